/// Queues whose events may come again: what a layer above the bus stands on that retries, limits and dead-letters.
#pragma once

#include <tidings/base/attachment.hpp>
#include <tidings/base/publisher.hpp>
#include <tidings/core/bus.hpp>
#include <tidings/core/context.hpp>
#include <tidings/core/delivery.hpp>
#include <tidings/core/detail/attempt.hpp>
#include <tidings/core/detail/envelope.hpp>
#include <tidings/core/detail/event_queue.hpp>
#include <tidings/core/detail/handler.hpp>
#include <tidings/core/detail/queued_node.hpp>
#include <tidings/core/detail/stored_pattern.hpp>
#include <tidings/core/detail/time_source.hpp>
#include <tidings/core/event.hpp>
#include <tidings/core/handled_event.hpp>
#include <tidings/core/kept_event.hpp>
#include <tidings/core/listener.hpp>
#include <tidings/core/publish.hpp>
#include <tidings/core/subscription.hpp>
#include <tidings/core/topic_pattern.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string_view>
#include <type_traits>
#include <utility>

namespace tidings {

/// What becomes of an event that was delivered.
enum class settlement {
    done,     ///< it has ended, and counts as delivered
    failed,   ///< it has ended, and counts as failed
    again,    ///< it comes again; until then it counts as queued, and holds up those that must not overtake it
    not_now,  ///< it was not tried; its queue rests, and begins with it
    rests,    ///< it was not tried; its line rests: those that must not overtake it
};

/// One delivery of an event, for who stands between the queue and the handler.
class delivery_attempt {
public:
    using time_point = std::chrono::steady_clock::time_point;

    /// From 1. Deliveries that were settled as not_now do not count.
    unsigned number() const noexcept { return attempt().number; }

    /// The hash of the event's key where the queue goes by keys; else of no meaning but to redelivering_queue::wake().
    std::uint64_t key() const noexcept { return attempt().key; }

    tidings::context context() const noexcept { return tidings::context{*frame_}; }

    /// For longer than this delivery.
    kept_event keep() const { return kept_event{*frame_}; }

    /// What the handler's context tells of it.
    void set_stop_token(std::stop_token token) noexcept { attempt().stop = std::move(token); }

    /// Not before `due`. Those of the same key wait behind it; so does the whole queue if it has neither keys nor
    /// concurrency.
    settlement again_at(time_point due) noexcept {
        attempt().due = due;
        return settlement::again;
    }

    /// The queue hands out nothing until `due`, or until redelivering_queue::resume(), if that comes after the event
    /// was taken out.
    settlement not_before(time_point due) noexcept {
        attempt().due = due;
        return settlement::not_now;
    }

    /// Not before `due`, or redelivering_queue::wake() for its key, if that comes after the event was taken out. Those
    /// behind it wait, as with again_at().
    settlement rest_until(time_point due) noexcept {
        attempt().due = due;
        return settlement::rests;
    }

    /// For the library.
    explicit delivery_attempt(base::slot& frame) noexcept : frame_{&frame} {}

private:
    detail::attempt& attempt() const noexcept { return *frame_->attempt; }

    base::slot* frame_;
};

namespace detail {

/// A handler, and who stands before it: called with the attempt and with what calls the handler, which throws what the
/// handler throws and returns whether its listener is still there. Settles the event.
template <class E, class Around, class Handler>
struct settling_handler {
    Around around;
    Handler handler;

    outcome operator()(const E& event, base::slot& frame) {
        frame.attempt->stop = {};
        bool expired = false;
        delivery_attempt delivery{frame};
        const settlement settled = around(delivery, [&] {
            expired = handler(event, frame) == outcome::expired;
            return !expired;
        });
        if (expired) return outcome::expired;
        switch (settled) {
            case settlement::failed:
                return outcome::failed;
            case settlement::again:
                return outcome::again;
            case settlement::not_now:
                return outcome::not_now;
            case settlement::rests:
                return outcome::rests;
            default:
                return outcome::handled;
        }
    }
};

}  // namespace detail

class redelivering_queue;

/// A subscription whose events may come again, and that can be given one.
class redelivering_subscription {
public:
    /// Delivers an event once more, to this handler and no other: its id, cause and texts stay, its attempts begin at
    /// 1. It waits for its turn as if it had been published now, also where the queue is full. False: the queue is
    /// closed or full, or dropped it; the event is of another type; or to wait would be to wait for itself. Throws
    /// std::bad_alloc.
    bool deliver(const kept_event& event, std::uint64_t key) {
        if (!takes(event)) return false;
        detail::envelope& shared = *event.shared();
        shared.retain();
        return push(shared, key);
    }

    /// The same with an event that nobody has published, to a subscription for events of its type. Throws
    /// std::bad_alloc; the event has not been moved then, or is destroyed.
    template <event E>
    bool deliver_new(E event, std::uint64_t key, publish_options said = {}) {
        detail::bus_state& bus = *node_->bus;
        const base::event_entry& type = detail::event_identity<E>::find_again(bus.home());
        if (!active() || node_->only != &type) return false;
        auto kept = detail::kept_options::owner{detail::kept_options::make(std::move(said))};
        auto* const made = detail::envelope::make<E>(type, kept.get(), std::move(event));
        static_cast<void>(kept.release());
        made->stamp = detail::time_source::stamp(bus.times().get());
        return push(*made, key);
    }

    /// Whether it is active, and for events of that type.
    bool takes(const kept_event& event) const noexcept {
        return event && active() && (node_->only == nullptr || node_->only == &event.shared()->type());
    }

    /// No more events for it, whoever sends them; what waits is handled.
    void close() noexcept { node_->queue->close(*node_); }

    /// See subscription::reset().
    reset_result reset() noexcept { return subscription_.reset(); }
    bool active() const noexcept { return subscription_.active(); }
    subscription_stats stats() const noexcept { return subscription_.stats(); }

private:
    friend class redelivering_queue;
    redelivering_subscription(subscription made, detail::queued_node& node) noexcept
        : subscription_{std::move(made)}, node_{&node} {}

    /// Takes over one share of the event.
    bool push(detail::envelope& event, std::uint64_t key) {
        TIDINGS_TRY {
            const base::attachment here{node_->bus->home()};
            const detail::push_result result = node_->queue->push(*node_, event, key, *here);
            if (detail::is_accepted(result)) return result == detail::push_result::queued;
        }
        TIDINGS_CATCH_ALL {
            detail::envelope::release(&event);
            TIDINGS_RETHROW;
        }
        detail::envelope::release(&event);
        return false;
    }

    subscription subscription_;
    detail::queued_node* node_;  // lives as long as the subscription
};

/// The queue of one or several such subscriptions. Copies are of the same queue, which lives as long as one of them or
/// a subscription of it. Thread-safe.
class redelivering_queue {
public:
    /// Throws std::bad_alloc.
    template <class Filter, class Key, class Executor>
    redelivering_queue(bus& on, const async_delivery<Filter, Key, Executor>& how)
        : queue_{on.make_queue(how, detail::redelivery::possible).release(), detail::event_queue::releaser{}} {}

    // `around(delivery_attempt&, call)` stands before the handler: `call()` calls it, throws what it throws and returns
    // whether its listener is still there; what `around` returns settles the event. `how` is that of the constructor.
    // The handler, and what it is held by, are those of bus::subscribe(). Throw std::bad_alloc.

    template <class E, class F, class Around, class D>
    redelivering_subscription subscribe(bus& on, std::string_view name, F&& handler, Around around, D how) const {
        return insert<E>(on, name, detail::make_handler<E>(std::forward<F>(handler)), std::move(around),
                         std::move(how));
    }

    /// The event type is what the handler's first parameter says.
    template <class F, class Around, class D>
        requires(!std::is_member_function_pointer_v<F>)
    redelivering_subscription subscribe(bus& on, std::string_view name, F&& handler, Around around, D how) const {
        using E = handled_event<std::decay_t<F>>;
        return subscribe<E>(on, name, std::forward<F>(handler), std::move(around), std::move(how));
    }

    template <class M, class Object, class Around, class D>
    redelivering_subscription subscribe(bus& on, std::string_view name, M member, Object&& object, Around around,
                                        D how) const {
        using E = handled_event<M>;
        return insert<E>(on, name, detail::make_object_handler<E>(member, std::forward<Object>(object)),
                         std::move(around), std::move(how));
    }

    /// For topics that fit the pattern.
    template <topic_pattern P, class F, class Around, class D>
    redelivering_subscription subscribe(bus& on, std::string_view name, P pattern, F&& handler, Around around,
                                        D how) const {
        using E = handled_event<std::decay_t<F>>;
        return insert<E>(on, name, detail::make_handler<E>(std::forward<F>(handler)), std::move(around), std::move(how),
                         std::make_unique<detail::stored_pattern<P>>(std::move(pattern)));
    }

    /// One for each event of the listener's listens_to, as tidings::listen() does; `around(n)` makes what stands before
    /// the n-th, `made(n, subscription)` gets it.
    template <class Listener, class MakeAround, class D, class Made>
    void listen(bus& on, std::string_view name, Listener&& listener, MakeAround around, D how, Made made) const {
        auto kept = detail::held_by<Listener>::keep(std::forward<Listener>(listener));
        std::size_t n = 0;
        detail::for_each_event<Listener>([&]<class E>(std::type_identity<E>) {
            auto handler = detail::make_object_handler<E>(detail::call_on{}, kept);
            made(n, insert<E>(on, name, std::move(handler), around(n), how));
            ++n;
        });
    }

    /// Ends the rest of settlement::not_now.
    void resume() const noexcept { queue_->resume(); }

    /// Ends a rest of settlement::rests; `key` is delivery_attempt::key() of the event that rests.
    void wake(std::uint64_t key) const noexcept { queue_->wake_line(key); }

private:
    template <class E, class Handler, class Around, class D>
    redelivering_subscription insert(bus& on, std::string_view name, Handler handler, Around around, D how,
                                     std::unique_ptr<const detail::pattern> routed = nullptr) const {
        detail::require_event<E>();
        queue_->retain();
        detail::event_queue::owner shared{queue_.get()};  // before anything is moved, which may throw
        detail::queued_node* node = nullptr;
        subscription made = on.insert_queued<E>(
            name, detail::settling_handler<E, Around, Handler>{std::move(around), std::move(handler)}, std::move(how),
            std::move(shared), &node, std::move(routed));
        return {std::move(made), *node};
    }

    std::shared_ptr<detail::event_queue> queue_;  // counts one reference
};

}  // namespace tidings
