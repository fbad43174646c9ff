/// The bus: typed publish and subscribe inside one process.
#pragma once

#include <tidings/base/attachment.hpp>
#include <tidings/base/config.hpp>
#include <tidings/base/domain.hpp>
#include <tidings/core/delivery.hpp>
#include <tidings/core/detail/bus_state.hpp>
#include <tidings/core/detail/dispatch.hpp>
#include <tidings/core/detail/drain.hpp>
#include <tidings/core/detail/event_queue.hpp>
#include <tidings/core/detail/handler.hpp>
#include <tidings/core/detail/handler_node.hpp>
#include <tidings/core/detail/publishing.hpp>
#include <tidings/core/detail/queued_handler.hpp>
#include <tidings/core/detail/stored_pattern.hpp>
#include <tidings/core/detail/timer_node.hpp>
#include <tidings/core/event.hpp>
#include <tidings/core/handled_event.hpp>
#include <tidings/core/handler_error.hpp>
#include <tidings/core/lineage.hpp>
#include <tidings/core/mailbox.hpp>
#include <tidings/core/publish.hpp>
#include <tidings/core/stats.hpp>
#include <tidings/core/subscription.hpp>
#include <tidings/core/timer.hpp>
#include <tidings/core/topic_pattern.hpp>
#include <tidings/executor/clock.hpp>
#include <tidings/executor/executor.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>

namespace tidings {

class bus;
class bus_services;
class redelivering_queue;

namespace detail {

/// Subscribes `call(object&, event, context)`, where the object is held as for a member function. With a queue, it is
/// that of queue_for().
template <class E, class F, class Object, class D>
[[nodiscard]] subscription subscribe_object(bus& on, std::string_view name, Object&& object, F call, D how,
                                            event_queue* queue = nullptr);

/// One for several subscriptions, with a reference for the caller; null for a delivery without.
template <class D>
[[nodiscard]] event_queue::owner queue_for(bus& on, const D& how);

}  // namespace detail

struct bus_options {
    /// Runs the handlers of queues that name no other, and timers. Empty: the pool that the process shares, which is
    /// started when the first such subscription is made.
    executor_ref executor{};

    /// Where the times of contexts and timers come from. Empty: the system.
    clock_ref clock{};

    /// Told of every handler that fails. Without one, a line goes to the standard error stream.
    error_handler on_error{};
};

/// Carries events from publishers to the handlers that subscribed to their type.
///
/// Order: the handlers of one publish run one after another on the publisher's thread, by priority, then in the order
/// of their subscription. Publishes of different threads run at the same time, and a handler must stand that.
/// Delivery: each handler that was subscribed when publish began gets the event, unless it is reset before its turn.
/// Re-entrancy: a handler may publish, subscribe, reset any subscription and destroy the bus. A nested publish ends
/// before the outer one goes on; a newcomer does not see the events under way.
/// Thread-safe, but for its destruction: no other thread may be about to call it. Handlers that still run elsewhere are
/// waited for, as by subscription::reset().
class bus {
public:
    /// Throws std::bad_alloc.
    explicit bus(bus_options options = {})
        : state_{new detail::bus_state{std::move(options.executor), options.clock, std::move(options.on_error)}} {
        detail::bus_state::sweep();
    }
    ~bus() {
        state_->stop_intake();  // a timer that waits for room would be waited for
        detail::end_timers(*state_);
        state_->close();
        state_->release();
        detail::bus_state::sweep();
    }
    bus(const bus&) = delete;
    bus& operator=(const bus&) = delete;

    // --- Subscribing -----------------------------------------------------------------------------------------------
    //
    // A handler is called with (const E&) or (const E&, const tidings::context&) and returns nothing; `E` is what its
    // parameter says, or is named: bus.subscribe<order_placed>([](const auto&) {…}). With an object, it is one of
    // its member functions; the object is a variable or plain pointer (yours to keep alive), a shared_ptr (kept
    // alive) or a weak_ptr (no longer subscribed when it has expired). A name, which may come first, is what reports
    // and statistics call the subscriber.
    //
    // Throw std::bad_alloc, or what copying the handler throws, and then nothing is subscribed. No lock is held
    // while the handler is moved. Constant, amortised; linear in the handlers of the event type where somebody
    // has published since they last changed.

    template <class F, delivery D = sync_delivery<>>
        requires(!std::is_member_function_pointer_v<F>)
    [[nodiscard]] subscription subscribe(F&& handler, D how = {}) {
        return subscribe(std::string_view{}, std::forward<F>(handler), std::move(how));
    }

    template <class E, class F, delivery D = sync_delivery<>>
    [[nodiscard]] subscription subscribe(F&& handler, D how = {}) {
        return subscribe<E>(std::string_view{}, std::forward<F>(handler), std::move(how));
    }

    template <class F, delivery D = sync_delivery<>>
        requires(!std::is_member_function_pointer_v<F>)
    [[nodiscard]] subscription subscribe(std::string_view name, F&& handler, D how = {}) {
        using E = handled_event<std::decay_t<F>>;
        return subscribe<E>(name, std::forward<F>(handler), std::move(how));
    }

    template <class E, class F, delivery D = sync_delivery<>>
    [[nodiscard]] subscription subscribe(std::string_view name, F&& handler, D how = {}) {
        detail::require_event<E>();
        static_assert(
            !std::is_same_v<E, any_event>,
            "tidings: a handler of any_event says of which topics: subscribe(tidings::topic{\"#\"}, handler)");
        return add<E>(name, detail::make_handler<E>(std::forward<F>(handler)), std::move(how));
    }

    template <class M, class Object, delivery D = sync_delivery<>>
        requires(std::is_member_function_pointer_v<M>)
    [[nodiscard]] subscription subscribe(M member, Object&& object, D how = {}) {
        return subscribe(std::string_view{}, member, std::forward<Object>(object), std::move(how));
    }

    template <class M, class Object, delivery D = sync_delivery<>>
        requires(std::is_member_function_pointer_v<M>)
    [[nodiscard]] subscription subscribe(std::string_view name, M member, Object&& object, D how = {}) {
        using E = handled_event<M>;
        return detail::subscribe_object<E>(*this, name, std::forward<Object>(object), member, std::move(how));
    }

    // --- Subscribing to topics -------------------------------------------------------------------------------------
    //
    // The same, with a pattern (a tidings::topic) that the event's topic has to fit: what its publisher gave, or else
    // the name of its type. The handler takes one event type, or `const any_event&` for all of them. Order, barrier
    // and delivery are those of every other subscription; an event with an asynchronous subscriber of any_event is
    // copied, or moved, once.
    //
    // Linear in the event types that somebody published or subscribed to, and in the handlers of those that fit.

    template <topic_pattern P, class F, delivery D = sync_delivery<>>
        requires(!std::is_member_function_pointer_v<F>)
    [[nodiscard]] subscription subscribe(P pattern, F&& handler, D how = {}) {
        return subscribe(std::string_view{}, std::move(pattern), std::forward<F>(handler), std::move(how));
    }

    template <topic_pattern P, class F, delivery D = sync_delivery<>>
        requires(!std::is_member_function_pointer_v<F>)
    [[nodiscard]] subscription subscribe(std::string_view name, P pattern, F&& handler, D how = {}) {
        using E = handled_event<std::decay_t<F>>;
        return subscribe<E>(name, std::move(pattern), std::forward<F>(handler), std::move(how));
    }

    template <class E, topic_pattern P, class F, delivery D = sync_delivery<>>
    [[nodiscard]] subscription subscribe(P pattern, F&& handler, D how = {}) {
        return subscribe<E>(std::string_view{}, std::move(pattern), std::forward<F>(handler), std::move(how));
    }

    template <class E, topic_pattern P, class F, delivery D = sync_delivery<>>
    [[nodiscard]] subscription subscribe(std::string_view name, P pattern, F&& handler, D how = {}) {
        detail::require_event<E>();
        return add<E>(name, detail::make_handler<E>(std::forward<F>(handler)), std::move(how), nullptr,
                      std::make_unique<detail::stored_pattern<P>>(std::move(pattern)));
    }

    template <topic_pattern P, class M, class Object, delivery D = sync_delivery<>>
        requires(std::is_member_function_pointer_v<M>)
    [[nodiscard]] subscription subscribe(P pattern, M member, Object&& object, D how = {}) {
        return subscribe(std::string_view{}, std::move(pattern), member, std::forward<Object>(object), std::move(how));
    }

    template <topic_pattern P, class M, class Object, delivery D = sync_delivery<>>
        requires(std::is_member_function_pointer_v<M>)
    [[nodiscard]] subscription subscribe(std::string_view name, P pattern, M member, Object&& object, D how = {}) {
        using E = handled_event<M>;
        return add<E>(name, detail::make_object_handler<E>(member, std::forward<Object>(object)), std::move(how),
                      nullptr, std::make_unique<detail::stored_pattern<P>>(std::move(pattern)));
    }

    // --- Publishing ------------------------------------------------------------------------------------------------

    /// Calls the handlers of the event's type before it returns. The event is neither copied nor moved.
    ///
    /// A handler that throws keeps nobody else from the event, and nothing it throws comes out here: it is counted in
    /// the result and in the subscription's stats(), and told to on_error. That nobody subscribed is no error.
    /// Takes no lock and makes no system call. Allocates, and may throw std::bad_alloc before any handler has run,
    /// only when a thread publishes a type for the first time since its handlers were last rearranged, or nests
    /// deeper than before. Linear in the number of handlers.
    template <class E>
    TIDINGS_INLINE publish_result publish(E&& event) {
        return detail::publish_on<movable<E>>(*state_, event, nullptr);
    }

    /// The same, with what the publisher has to say of the event. Making the options may allocate.
    template <class E>
    TIDINGS_INLINE publish_result publish(E&& event, const publish_options& options) {
        if (!options.topic.empty() && state_->channels().routes_topics()) [[unlikely]]
            return detail::publish_routed<movable<E>>(*state_, event, options);
        return detail::publish_on<movable<E>>(*state_, event, &options);
    }

    // --- Queues ----------------------------------------------------------------------------------------------------

    /// Waits until every event that a queue of this bus has accepted has ended, with what its handlers published, and
    /// with the handlers of subscriptions that were reset meanwhile. What they did, and stats(), is then visible. Does
    /// not wait for timers and mailboxes.
    ///
    /// Throws tidings::error with errc::would_deadlock inside a handler, and where it would wait for the calling
    /// thread: inside a task of an executor all of whose threads wait, for one. On the thread of a manual_executor it
    /// runs the loop; in a simulation it returns when nothing is left to run. Publishers that never stop may keep it
    /// for ever. Linear in the subscriptions with queues, each time one of them has become idle.
    void drain() { detail::drain(*state_, base::idle_hook::never); }

    /// The same, for no longer than `duration`; returns whether it was done.
    template <class Rep, class Period>
    bool drain_for(std::chrono::duration<Rep, Period> duration) {
        const auto now = detail::time_source::now(state_->times().get());
        return detail::drain(*state_, detail::later(now, duration));
    }

    /// Queues accept no more events: publish counts them as rejected, and publishers that wait for room return with
    /// that. What was accepted is still handled. Handlers on the publisher's thread are called as before. Of no effect
    /// on queues that are made later.
    void close() noexcept { state_->stop_intake(); }

    /// Subscribes a queue from which the program fetches the events itself. Throws std::bad_alloc.
    template <class E>
    [[nodiscard]] tidings::mailbox<E> mailbox(mailbox_options options = {}) {
        return mailbox<E>(std::string_view{}, std::move(options));
    }

    template <class E>
    [[nodiscard]] tidings::mailbox<E> mailbox(std::string_view name, mailbox_options options = {}) {
        detail::require_event<E>();
        constexpr auto kept = [](const E&, base::slot&) { return detail::outcome::handled; };
        auto queue = state_->make_queue(
            nullptr, {.capacity = options.capacity != 0 ? options.capacity : 1, .when_full = options.when_full}, false);
        detail::queued_node* node = nullptr;
        subscription made = insert_queued<E>(name, kept, async_delivery<>{}, std::move(queue), &node);
        executor_ref resume_on = options.resume_on ? std::move(options.resume_on) : state_->executor();
        return {std::move(made), *node, std::move(resume_on)};
    }

    // --- Later -----------------------------------------------------------------------------------------------------
    //
    // The event is published on the bus's executor, never early; the event whose handler set the timer is its cause. Of
    // the options the texts are copied; with publish_every() each event has an id of its own, whatever they say.
    // The returned timer can take it back; destroying that does not. Throw std::bad_alloc, tidings::error if the clock
    // needs a thread and there is none, and what moving the event throws. Logarithmic in the pending timers.

    template <class E>
    timer publish_after(std::chrono::nanoseconds delay, E&& event, const publish_options& options = {}) {
        return start_timer<true>(detail::later(detail::time_source::now(state_->times().get()), delay), {},
                                 std::forward<E>(event), options);
    }

    template <class E>
    timer publish_at(std::chrono::steady_clock::time_point due, E&& event, const publish_options& options = {}) {
        return start_timer<true>(due, {}, std::forward<E>(event), options);
    }

    /// At a time of day, by what the clock says now: setting the clock later does not move it.
    template <class E>
    timer publish_at(std::chrono::system_clock::time_point due, E&& event, const publish_options& options = {}) {
        const auto* const times = state_->times().get();
        const auto now = detail::time_source::system_now(times);
        const auto delay = due > now ? due - now : std::chrono::system_clock::duration::zero();
        return start_timer<true>(detail::later(detail::time_source::now(times), delay), {}, std::forward<E>(event),
                                 options);
    }

    /// For the first time after one period. A time that passes while the event is still being published is left out.
    /// The period is at least a nanosecond.
    template <class E>
    timer publish_every(std::chrono::nanoseconds period, E&& event, const publish_options& options = {}) {
        if (period <= std::chrono::nanoseconds::zero()) period = std::chrono::nanoseconds{1};
        return start_timer<false>(detail::later(detail::time_source::now(state_->times().get()), period), period,
                                  std::forward<E>(event), options);
    }

    /// The sums over all subscriptions. Linear in the subscriptions with queues, and the event types.
    bus_stats stats() const noexcept { return state_->stats(); }

private:
    template <class E>
    static constexpr bool movable = !std::is_lvalue_reference_v<E> && !std::is_const_v<E>;

    template <class E, class F, class Object, class D>
    friend subscription detail::subscribe_object(bus&, std::string_view, Object&&, F, D, detail::event_queue*);
    template <class D>
    friend detail::event_queue::owner detail::queue_for(bus&, const D&);
    friend redelivering_queue;
    friend bus_services;

    template <class E, class Handler, class Filter>
    subscription add(std::string_view name, Handler handler, sync_delivery<Filter> how, detail::event_queue* = nullptr,
                     std::unique_ptr<const detail::pattern> routed = nullptr) {
        const int priority = how.priority();
        if constexpr (std::is_same_v<Filter, no_filter>) {
            return insert<E>(name, std::move(handler), priority, std::move(routed));
        } else {
            return insert<E>(
                name, detail::filtered_handler<E, Filter, Handler>{std::move(how).take_filter(), std::move(handler)},
                priority, std::move(routed));
        }
    }

    template <bool Once, class E>
    timer start_timer(std::chrono::steady_clock::time_point due, std::chrono::nanoseconds period, E&& event,
                      const publish_options& options) {
        using stored = detail::stored_timer<std::decay_t<E>, detail::publish_later<Once>>;
        detail::require_event<std::decay_t<E>>();
        publish_options said = options;
        if constexpr (!Once) said.id = {};
        // Before the event is moved: the texts may be its own.
        auto kept = detail::kept_options::unless_cause_only(std::move(said));
        auto* const made = new stored{*state_, period, std::move(kept), std::forward<E>(event)};
        timer handle{*made};
        made->from = {.correlation_id = options.correlation_id, .causation_id = options.causation_id};
        TIDINGS_TRY {
            if (base::publisher* const self = state_->home().find())
                if (base::slot* const around = self->innermost_publish())
                    made->from.inherit(lineage_of(context{*around}));
            if (state_->timers().add(*made)) made->start(due);
            else made->cancel();
        }
        TIDINGS_CATCH_ALL {
            made->cancel();  // destroys the event
            TIDINGS_RETHROW;
        }
        return handle;
    }

    template <class Filter>
    detail::event_queue::owner make_queue(const sync_delivery<Filter>&) {
        return nullptr;
    }

    template <class Filter, class Key, class Executor>
    detail::event_queue::owner make_queue(const async_delivery<Filter, Key, Executor>& how,
                                          detail::redelivery returns = detail::redelivery::never) {
        executor_ref executor;
        if constexpr (std::is_same_v<Executor, executor_ref>) executor = how.executor();
        if (!executor) executor = state_->executor();
        return state_->make_queue(executor.port(), how.settings(), !std::is_same_v<Key, no_key>, returns);
    }

    template <class E, class Handler, class Filter, class Key, class Executor>
    subscription add(std::string_view name, Handler handler, async_delivery<Filter, Key, Executor> how,
                     detail::event_queue* shared = nullptr, std::unique_ptr<const detail::pattern> routed = nullptr) {
        detail::event_queue::owner queue;
        if (shared != nullptr) {
            shared->retain();
            queue.reset(shared);
        } else {
            queue = make_queue(how);
        }
        return insert_queued<E>(name, std::move(handler), std::move(how), std::move(queue), nullptr, std::move(routed));
    }

    template <class E, class Handler, class Filter, class Key, class Executor>
    subscription insert_queued(std::string_view name, Handler handler, async_delivery<Filter, Key, Executor> how,
                               detail::event_queue::owner queue, detail::queued_node** inserted = nullptr,
                               std::unique_ptr<const detail::pattern> routed = nullptr) {
        using stored = detail::queued_handler<E, Filter, Key, Handler>;
        const int priority = how.settings().priority;
        const base::event_entry& type = detail::event_identity<E>::find(state_->home());
        // NOLINTBEGIN(bugprone-use-after-move): each takes a part of it
        auto key = std::move(how).take_key();
        stored& node = *stored::make(name, priority, *state_, type, std::move(queue),
                                     {std::move(how).take_filter(), std::move(key), std::move(handler)});
        // NOLINTEND(bugprone-use-after-move)
        state_->retain();
        state_->queued().add(node);
        if (inserted != nullptr) *inserted = &node;
        return list<E>(type, node, std::move(routed));
    }

    template <class E, class Handler>
    subscription insert(std::string_view name, Handler handler, int priority,
                        std::unique_ptr<const detail::pattern> routed) {
        using stored = detail::stored_handler<E, Handler>;
        const base::event_entry& type = detail::event_identity<E>::find(state_->home());
        stored& node = *stored::make(name, priority, *state_, state_->home().asymmetric(), std::move(handler));
        state_->retain();
        return list<E>(type, node, std::move(routed));
    }

    template <class E>
    subscription list(const base::event_entry& type, detail::handler_node& node,
                      std::unique_ptr<const detail::pattern> routed) {
        subscription made{node};  // from here on an exception ends the handler
        node.routed = std::move(routed);
        node.only = std::is_same_v<E, any_event> ? nullptr : &type;
        if (!(node.routed != nullptr ? state_->add(node) : state_->add(type, node))) made.reset();
        return made;
    }

    detail::bus_state* const state_;
};

template <class E, class F, class Object, class D>
subscription detail::subscribe_object(bus& on, std::string_view name, Object&& object, F call, D how,
                                      event_queue* queue) {
    return on.add<E>(name, detail::make_object_handler<E>(std::move(call), std::forward<Object>(object)),
                     std::move(how), queue);
}

template <class D>
detail::event_queue::owner detail::queue_for(bus& on, const D& how) {
    return on.make_queue(how);
}

}  // namespace tidings
