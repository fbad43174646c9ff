/// The way of an event to its handlers on the publisher's thread.
#pragma once

#include <tidings/base/barrier.hpp>
#include <tidings/base/config.hpp>
#include <tidings/base/publisher.hpp>
#include <tidings/core/any_event.hpp>
#include <tidings/core/context.hpp>
#include <tidings/core/detail/bus_state.hpp>
#include <tidings/core/detail/channel.hpp>
#include <tidings/core/detail/envelope.hpp>
#include <tidings/core/detail/handler_node.hpp>
#include <tidings/core/detail/handler_table.hpp>
#include <tidings/core/handler_error.hpp>
#include <tidings/core/publish.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <type_traits>
#include <utility>

namespace tidings::detail {

/// The rare ways of a publish.
struct slow_path {
    /// Inside a catch block.
    TIDINGS_COLD static void report_failure(handler_node& node, base::slot& frame) noexcept {
        ++frame.tally.failed;
        node.failed.fetch_add(1, std::memory_order_release);  // pairs with bus_state::stats(), as below
        node.bus->count_sync_failure();
        tell(node, frame);
    }

    /// on_error of the exception that is under way.
    TIDINGS_COLD static void tell([[maybe_unused]] const handler_node& node,
                                  [[maybe_unused]] base::slot& frame) noexcept {
#if TIDINGS_HAS_EXCEPTIONS
        const error_reporter& errors = node.bus->errors();
        const context origin{frame};
        try {
            throw;
        } catch (const std::exception& thrown) {
            errors.report(handler_error{node.name, origin, &thrown});
        } catch (...) {
            errors.report(handler_error{node.name, origin, static_cast<const std::exception*>(nullptr)});
        }
#endif
    }

    TIDINGS_COLD static void report_miss(handler_node& node, base::slot& frame, outcome why) noexcept {
        ++frame.tally.missed;
        node.missed.fetch_add(1, std::memory_order_release);
        if (node.queued == nullptr) node.bus->count_sync_miss();
        if (why == outcome::expired) node.bus->deactivate(node);
    }

    /// A publisher's first use of a table, or any use by one of a great many. Throws std::bad_alloc, with the slot
    /// closed.
    TIDINGS_NOINLINE static base::atomic<std::uint64_t>* count_publishes(base::publisher& self, base::slot& frame,
                                                                         bus_state& bus, handler_table& table) {
        if (handler_table::counter* const known = table.find_counter(self)) return &known->value;
        struct closing {
            base::publisher& owner;
            base::slot* opened;
            ~closing() {
                if (opened != nullptr) owner.close(*opened);
            }
        } on_failure{self, &frame};
        self.open(frame, base::publisher::between());
        handler_table::counter& made = bus.add_counter(self, table);
        on_failure.opened = nullptr;
        return &made.value;
    }

    /// Puts an rvalue into an envelope before any handler runs. Throws what that throws, with the slot closed.
    template <class Pack>
    TIDINGS_NOINLINE static const void* pack_first(base::publisher& self, base::slot& frame, const handler_table& table,
                                                   const void* event, Pack pack) {
        self.open(frame, base::publisher::between());
        TIDINGS_TRY { pack(frame, table, const_cast<void*>(event)); }
        TIDINGS_CATCH_ALL {
            frame.options = nullptr;
            self.close(frame);
            TIDINGS_RETHROW;
        }
        return frame.event->event();
    }

    /// The calls of dispatch(), with a look at each handler before and after its own. From `entry` on, which the slot
    /// names unless it is the end; the handler before it may have been ended while it ran. Closes the slot.
    template <bool Asymmetric>
    TIDINGS_COLD static void call_disturbed(base::publisher& self, base::slot& frame, const void* event,
                                            const handler_entry* entry) noexcept {
        handler_table& table = table_of(frame);
        // Nobody runs `entry` while captures before it are destroyed.
        self.open(frame, base::publisher::between());
        base::light_fence<Asymmetric>();
        if (entry != table.begin()) look_again(self, *(entry - 1)->target);
        bool lists_ended = false;
        while (entry != table.end()) {
            handler_node& node = *entry->target;
            frame.running.store(&node, base::store_order);
            base::light_fence<Asymmetric>();  // naming the node, then looking at it: pairs with the heavy fence of
                                              // remove()
            if (node.active.load(base::load_order)) {
                entry = entry->call(node, frame, event, entry);  // one: the table stays disturbed
            } else {
                report_miss(node, frame, outcome::declined);
                lists_ended = true;
                ++entry;
            }
            frame.running.store(base::publisher::between(), base::store_order);
            base::light_fence<Asymmetric>();  // then looking again: whoever saw the node in the slot waits for us
            look_again(self, node);
        }
        if (lists_ended) table.begin()->target->bus->repair_after_a_while(table);
        self.close(frame);
    }

    /// The same, and first a copy of the event where a queue needs one that does not know its type.
    template <bool Asymmetric, auto Copy>
    TIDINGS_COLD static void call_carefully(base::publisher& self, base::slot& frame, const void* event,
                                            const handler_entry* entry) noexcept {
        if constexpr (!std::is_same_v<decltype(Copy), std::nullptr_t>) {
            const handler_table& table = table_of(frame);
            if (table.any_queues() && frame.event == nullptr && entry == table.begin()) {
                self.open(frame, base::publisher::between());
                Copy(frame, table, event);
            }
        }
        call_disturbed<Asymmetric>(self, frame, event, entry);
    }

    /// The result of a publish in which not every handler returned, and the end of it.
    TIDINGS_COLD static publish_result settle(base::slot& frame, std::uint32_t handlers) noexcept {
        const auto failed = static_cast<std::uint32_t>(frame.tally.failed);
        const publish_result result{.handled = handlers - failed - static_cast<std::uint32_t>(frame.tally.missed),
                                    .failed = failed,
                                    .queued = std::exchange(frame.queued, 0),
                                    .rejected = std::exchange(frame.rejected, 0)};
        frame.tally = {};
        envelope* const event = std::exchange(frame.event, nullptr);
        const std::uint32_t shares = std::exchange(frame.shares, 0);
        if (event != nullptr) envelope::release(event, shares);  // the event's destructor may publish in this slot
        return result;
    }

    static handler_table& table_of(const base::slot& frame) noexcept {
        const base::table_base* table = frame.table.load(std::memory_order_relaxed);  // the owner's own store
        return *static_cast<handler_table*>(const_cast<base::table_base*>(table));
    }

    static void look_again(base::publisher& self, handler_node& node) noexcept {
        if (!node.active.load(base::load_order)) base::left_inactive(self, node);
    }
};

/// Names the table that stands in `place` in the slot, so that it is not freed; `table` is what stood there at the
/// first look. Null if there is none any more.
template <bool Asymmetric>
TIDINGS_INLINE handler_table* protect(base::slot& frame, const channel::place& place, handler_table* table) noexcept {
    for (;;) {
        frame.table.store(table, base::store_order);
        base::light_fence<Asymmetric>();  // pairs with the heavy fence before channel::collect()
        handler_table* const again = place.load(base::load_order);
        if (again == table || again == nullptr) return again;
        table = again;
    }
}

/// Calls every handler that was listed when it began and is active when its turn comes. `frame` is the publisher's next
/// slot, open only if it is a nested one, `place` where the table stands, `table` what stood there: loaded with
/// acquire, for its entries to be whole, which pairs with the store in channel::replace(). Counts instructions: this is
/// what a publish costs.
///
/// `Pack`, if there is one, moves the event into an envelope where there are queues; `Copy` copies it where one of them
/// does not know its type.
template <bool Asymmetric, auto Pack = nullptr, auto Copy = nullptr>
TIDINGS_INLINE publish_result dispatch(base::publisher& self, base::slot& frame, bus_state& bus,
                                       const channel::place& place, handler_table* table, const void* event,
                                       const publish_options* options) {
    base::atomic<std::uint64_t>* publishes = frame.publishes;
    // The slot keeps the table of the publish before, which most of the time is the same.
    if (frame.table.load(std::memory_order_relaxed) != table) {
        table = protect<Asymmetric>(frame, place, table);
        if (table == nullptr) [[unlikely]] {
            self.close(frame);
            return {};
        }
        frame.publishes = publishes = table->own_publishes(self);
    }
    if (publishes == nullptr) [[unlikely]]
        frame.publishes = publishes = slow_path::count_publishes(self, frame, bus, *table);
    if (options != nullptr) frame.options = options;
    if constexpr (!std::is_same_v<decltype(Pack), std::nullptr_t>) {
        if (table->queues() != 0) [[unlikely]]
            event = slow_path::pack_first(self, frame, *table, event, Pack);
    }
    // What throws before is no publish. The slot's owner is the only one who writes it.
    publishes->store(publishes->load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);

    const handler_entry* entry = table->begin();
    handler_node* node = entry->target;  // a table that can be found is not empty
    do {
        frame.running.store(node, base::store_order);
        base::light_fence<Asymmetric>();  // naming the node, then looking for a disturbance: as in call_disturbed()
        if (table->disturbed.load(base::load_order) != 0) [[unlikely]]
            break;
        entry = entry->call(*node, frame, event, entry);
        node = entry->target;
        if (node == nullptr) break;
        // The same once more, and not by a lambda: two in a round save a jump for each, and every register counts.
        frame.running.store(node, base::store_order);
        base::light_fence<Asymmetric>();
        if (table->disturbed.load(base::load_order) != 0) [[unlikely]]
            break;
        entry = entry->call(*node, frame, event, entry);
        node = entry->target;
    } while (node != nullptr);
    if (node == nullptr) [[likely]] {
        self.close(frame);
        base::light_fence<Asymmetric>();  // then looking once more, for the last handler
    }
    if (table->disturbed.load(base::load_order) != 0) [[unlikely]]
        slow_path::call_carefully<Asymmetric, Copy>(self, frame, event, entry);
    if (options != nullptr) frame.options = nullptr;
    if (!frame.tally.empty()) [[unlikely]]
        return slow_path::settle(frame, table->size());
    return {.handled = table->size()};
}

template <event E, class Handler>
TIDINGS_INLINE void stored_handler<E, Handler>::handle(base::slot& frame, const void* event) noexcept {
    TIDINGS_TRY {
        const outcome outcome = handler(seen_as<E>(event, frame), frame);
        if (outcome != outcome::handled) slow_path::report_miss(*this, frame, outcome);
    }
    TIDINGS_CATCH_ALL { slow_path::report_failure(*this, frame); }
}

template <event E, class Handler>
const handler_entry* stored_handler<E, Handler>::call_one(handler_node& node, base::slot& frame, const void* event,
                                                          const handler_entry* entry) noexcept {
    static_cast<stored_handler&>(node).handle(frame, event);
    return entry + 1;
}

template <event E, class Handler>
template <bool Asymmetric>
const handler_entry* stored_handler<E, Handler>::call_all(handler_node& node, base::slot& frame, const void* event,
                                                          const handler_entry* entry) noexcept {
    static_cast<stored_handler&>(node).handle(frame, event);
    const base::atomic<std::uint8_t>& disturbed = slow_path::table_of(frame).disturbed;
    const auto next = [&] {
        if ((++entry)->call != &stored_handler::call_all<Asymmetric>) return false;
        handler_node* const named = entry->target;
        frame.running.store(named, base::store_order);
        base::light_fence<Asymmetric>();  // as in dispatch()
        if (disturbed.load(base::load_order) != 0) [[unlikely]]
            return false;
        static_cast<stored_handler&>(*named).handle(frame, event);
        return true;
    };
    // Three in a round save two jumps.
    while (next() && next() && next()) {}  // NOLINT(misc-redundant-expression)
    return entry;
}

}  // namespace tidings::detail
