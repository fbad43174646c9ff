/// A handler behind a queue: how events get in, and how they come out.
#pragma once

#include <tidings/base/config.hpp>
#include <tidings/base/function.hpp>
#include <tidings/core/any_event.hpp>
#include <tidings/core/context.hpp>
#include <tidings/core/delivery.hpp>
#include <tidings/core/detail/bus_state.hpp>
#include <tidings/core/detail/dispatch.hpp>
#include <tidings/core/detail/envelope.hpp>
#include <tidings/core/detail/event_queue.hpp>
#include <tidings/core/detail/handler.hpp>
#include <tidings/core/detail/handler_table.hpp>
#include <tidings/core/detail/queued_node.hpp>
#include <tidings/core/event.hpp>
#include <tidings/core/handler_error.hpp>

#include <cstddef>
#include <cstdint>
#include <new>
#include <string_view>
#include <type_traits>
#include <utility>

namespace tidings::detail {

/// Puts the event under way into an envelope, with what its publisher said and what caused it. For as many queues as
/// the table has; and the frame keeps a share of its own if there is anybody else to ask for the event's id.
template <class E, class Source>
void pack(base::slot& frame, const handler_table& table, Source&& source) {
    kept_options* said = nullptr;  // before the event is moved: the texts may be its own
    if (const publish_options* given = context::given_to(frame); given != nullptr || context::has_cause(frame)) {
        publish_options kept = given != nullptr ? *given : publish_options{};
        if (context::has_cause(frame)) {
            kept.correlation_id = context{frame}.correlation_id();
            kept.causation_id = context{frame}.causation_id();
        }
        said = kept_options::make(std::move(kept));
    }
    envelope* made = nullptr;
    TIDINGS_TRY { made = envelope::make<E>(*table.type, said, std::forward<Source>(source)); }
    TIDINGS_CATCH_ALL {
        kept_options::free(said);
        TIDINGS_RETHROW;
    }
    made->stamp = time_source::stamp(table.times);
    frame.shares = table.queues() + (table.size() > 1 ? 1 : 0);
    made->share(frame.shares);
    frame.event = made;
}

/// For an rvalue: dispatch()'s Pack.
template <class E>
void pack_moved(base::slot& frame, const handler_table& table, void* event) {
    pack<E>(frame, table, std::move(*static_cast<E*>(event)));
    if (frame.options != nullptr) frame.options = frame.event->options();  // texts that were the event's have moved
}

/// For what is not moved, where a queue cannot tell the type: dispatch()'s Copy. If it fails, the queue says so.
template <class E>
void pack_copied(base::slot& frame, const handler_table& table, const void* event) noexcept {
    TIDINGS_TRY { pack<E>(frame, table, *static_cast<const E*>(event)); }
    TIDINGS_CATCH_ALL {}
}

template <class Key, class E>
std::uint64_t key_of([[maybe_unused]] Key& key, [[maybe_unused]] const E& event) {
    if constexpr (std::is_same_v<Key, no_key>) {
        return 0;
    } else {
        static_assert(
            std::is_invocable_v<Key&, const E&>,
            "tidings: ordered_by takes a member of the event, or a function that is called with (const event&)");
        using value = std::remove_cvref_t<std::invoke_result_t<Key&, const E&>>;
        static_assert(
            requires(const value& v) { std::hash<value>{}(v); }, "tidings: what ordered_by returns needs a std::hash");
        return static_cast<std::uint64_t>(std::hash<value>{}(base::invoke(key, event)));
    }
}

/// What a subscription with a queue keeps: called by publishers with the filter and the key, by workers with the
/// handler.
template <event E, class Filter, class Key, class Handler>
struct queued_handler : queued_node {
    struct parts {
        [[no_unique_address]] Filter filter;
        [[no_unique_address]] Key key;
        Handler handler;
    };

    /// Throws std::bad_alloc and what moving the parts throws; then nothing is left.
    static queued_handler* make(std::string_view subscriber, int order, bus_state& owner, const base::event_entry& type,
                                event_queue::owner queue, parts&& source) {
        constexpr std::size_t alignment =
            alignof(queued_handler) > alignof(std::max_align_t) ? alignof(queued_handler) : alignof(std::max_align_t);
        struct block {
            void* memory = ::operator new(sizeof(queued_handler), std::align_val_t{alignment});
            ~block() {
                if (memory != nullptr) ::operator delete(memory, std::align_val_t{alignment});
            }
        } fresh;
        auto* made =
            ::new (fresh.memory) queued_handler{alignment, subscriber, order, owner, type, *queue, std::move(source)};
        fresh.memory = nullptr;
        static_cast<void>(queue.release());  // the node's from here on
        return made;
    }

    /// A call_function.
    static const handler_entry* enqueue(handler_node& node, base::slot& frame, const void* event,
                                        const handler_entry* entry) noexcept {
        static_cast<queued_handler&>(node).put(frame, event);
        return entry + 1;
    }

    /// A queued_node::handle_function.
    static outcome run(queued_node& node, base::slot& frame, const void* event) noexcept {
        auto& mine = static_cast<queued_handler&>(node);
        TIDINGS_TRY {
            const outcome result = mine.held.handler(seen_as<E>(event, frame), frame);
            if (result == outcome::expired) {
                node.bus->deactivate(node);
                node.queue->close(node);
            }
            return result;
        }
        TIDINGS_CATCH_ALL {
            slow_path::tell(mine, frame);
            return outcome::failed;
        }
    }

private:
    queued_handler(std::size_t alignment, std::string_view subscriber, int order, bus_state& owner,
                   const base::event_entry& type, event_queue& events, parts&& source)
        : queued_node{&destroy,
                      alignment,
                      subscriber,
                      order,
                      owner,
                      type,
                      owner.times().get(),
                      events,
                      &enqueue,
                      &run,
                      static_cast<void (*)(handler_node&) noexcept>(&bus_state::release)},
          held{std::move(source)} {}

    void put(base::slot& frame, const void* event) noexcept {
        bool counted = false;
        TIDINGS_TRY {
            const auto& e = seen_as<E>(event, frame);
            if constexpr (!std::is_same_v<Filter, no_filter>) {
                if (!static_cast<bool>(base::invoke(held.filter, e))) {
                    ++frame.tally.missed;
                    return;
                }
            }
            const std::uint64_t key = key_of(held.key, e);
            if (frame.event == nullptr) {
                if constexpr (!std::is_same_v<E, any_event> && std::is_copy_constructible_v<E>)
                    pack<E>(frame, slow_path::table_of(frame), e);
            }
            ++frame.tally.missed;
            if (frame.event == nullptr) {
                queue->reject(*this);
                counted = true;
                ++frame.rejected;
                tell_of_rejection(frame, why_not_packed);
                return;
            }
            counted = true;  // by push(), whatever happens
            base::publisher& self = *bus->home().find();
            const push_result result = queue->push(*this, *frame.event, key, self);
            if (is_accepted(result)) {
                ++frame.queued;
                if (--frame.shares == 0) frame.event = nullptr;
                return;
            }
            ++frame.rejected;
            if (result == push_result::would_deadlock)
                tell_of_rejection(frame, "rejected: the queue is full, and to wait would be to wait for itself");
        }
        TIDINGS_CATCH_ALL {
            if (!counted) {
                ++frame.tally.missed;
                queue->reject(*this);
            }
            ++frame.rejected;
            slow_path::tell(*this, frame);
        }
    }

    static constexpr const char* why_not_packed =
        std::is_same_v<E, any_event> ? "it cannot be copied, or its copy failed"
                                     : "an event that cannot be copied has to be published as an rvalue";

    static void destroy(base::runnable& self) noexcept {
        auto& mine = static_cast<queued_handler&>(self);
        mine.queue->discard(mine);
        mine.held.~parts();
    }

    TIDINGS_COLD void tell_of_rejection(base::slot& frame, const char* why) const noexcept {
        const context about{frame};
        bus->errors().report(handler_error{name, about, why});
    }

    union {  // destroyed by destroy()
        parts held;
    };
};

}  // namespace tidings::detail
