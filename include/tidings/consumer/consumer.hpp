/// Handlers that belong together, and what becomes of the events that they fail on.
#pragma once

#include <tidings/base/config.hpp>
#include <tidings/consumer/batch.hpp>
#include <tidings/consumer/batch_options.hpp>
#include <tidings/consumer/consumer_options.hpp>
#include <tidings/consumer/consumer_stats.hpp>
#include <tidings/consumer/detail/batch_collector.hpp>
#include <tidings/consumer/detail/consumer_state.hpp>
#include <tidings/core/bus.hpp>
#include <tidings/core/delivery.hpp>
#include <tidings/core/handled_event.hpp>
#include <tidings/core/kept_event.hpp>
#include <tidings/core/listener.hpp>
#include <tidings/core/redelivery.hpp>
#include <tidings/core/topic_pattern.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace tidings {

/// A named group of handlers with one policy: how often they are tried, how long they may take, when they are left
/// alone and where what they cannot handle goes.
///
/// Order and delivery: those of each handler's queue. An event that is to be tried again keeps its place: without keys
/// and concurrency() all behind it wait, with keys those of its key, and no worker does. Each attempt that fails is
/// told to the bus's on_error. drain() waits for events that are to be tried again; what still waits when the consumer
/// ends is discarded, and counted. Re-entrancy: as a subscription; a handler may destroy its consumer. Thread-safe, but
/// for construction and destruction. The bus must outlive it, or end with no other thread in it.
class consumer {
public:
    /// Throws std::bad_alloc.
    consumer(bus& on, std::string_view name, const consumer_options& options = {})
        : bus_{on}, state_{std::make_shared<consumer_detail::consumer_state>(on, name, options)} {
        if (state_->letters() != nullptr) state_->letters()->enlist(state_->name(), state_);
    }
    consumer(const consumer&) = delete;
    consumer& operator=(const consumer&) = delete;
    ~consumer() { state_->end(); }

    // --- Handlers --------------------------------------------------------------------------------------------------
    //
    // Handlers, objects and patterns are those of bus::subscribe(); the delivery is tidings::async or a variation of
    // it. Throw std::bad_alloc and what copying the handler throws; nothing is subscribed then.

    template <class F, class D = async_delivery<>>
        requires(!std::is_member_function_pointer_v<F> && !event_listener<F> && !topic_pattern<std::decay_t<F>>)
    consumer& on(F&& handler, const D& how = {}) {
        add(how, [&](const auto& queue, auto around, const auto& delivery) {
            return queue.subscribe(bus_, name(), std::forward<F>(handler), around, delivery);
        });
        return *this;
    }

    /// Where the handler does not say which event it takes.
    template <class E, class F, class D = async_delivery<>>
    consumer& on(F&& handler, const D& how = {}) {
        add(how, [&](const auto& queue, auto around, const auto& delivery) {
            return queue.template subscribe<E>(bus_, name(), std::forward<F>(handler), around, delivery);
        });
        return *this;
    }

    template <class M, class Object, class D = async_delivery<>>
        requires(std::is_member_function_pointer_v<M>)
    consumer& on(M member, Object&& object, const D& how = {}) {
        add(how, [&](const auto& queue, auto around, const auto& delivery) {
            return queue.subscribe(bus_, name(), member, std::forward<Object>(object), around, delivery);
        });
        return *this;
    }

    template <topic_pattern P, class F, class D = async_delivery<>>
    consumer& on(P pattern, F&& handler, const D& how = {}) {
        add(how, [&](const auto& queue, auto around, const auto& delivery) {
            return queue.subscribe(bus_, name(), std::move(pattern), std::forward<F>(handler), around, delivery);
        });
        return *this;
    }

    /// All events of its listens_to go through one queue; see tidings::listen().
    template <event_listener Listener, class D = async_delivery<>>
    consumer& on(Listener&& listener, const D& how = {}) {
        const auto delivery = with_prefetch(how);
        const std::size_t first = state_->reserve_handlers(events_listened_to<Listener>, delivery.settings().when_full);
        const redelivering_queue queue{bus_, delivery};
        state_->add_queue(queue);
        TIDINGS_TRY {
            queue.listen(
                bus_, name(), std::forward<Listener>(listener),
                [&](std::size_t n) { return around<D>(first + n, first); }, delivery,
                [&](std::size_t n, redelivering_subscription made) { set(first + n, std::move(made)); });
        }
        TIDINGS_CATCH_ALL {
            state_->end(first, events_listened_to<Listener>);
            TIDINGS_RETHROW;
        }
        return *this;
    }

    /// A handler of many events at once, `(const batch<E>&)`: of each key, where `how` has keys, or of all.
    ///
    /// A batch is one delivery: it is tried again as a whole, dead-lettered as one letter with all its events and their
    /// ids in it, and counts once for limits and breakers; in stats() its events count. With delivery_guarantee::
    /// effectively_once an event whose id was collected before is left out. Order: as with on(); the events of a key
    /// are in order within and across its batches, and a batch that is tried again holds up those behind it. Incomplete
    /// batches wait in the handler's queue: bus::drain() waits until they are due; see flush() and close(). No worker
    /// does, nor does another key. `how` says how events get in, and how many batches are handled at the same time.
    template <class F, class D = async_delivery<>>
        requires(!std::is_member_function_pointer_v<F>)
    consumer& on_batch(F&& handler, const batch_options& when = {}, const D& how = {}) {
        using handled = handled_event<std::decay_t<F>>;
        static_assert(is_batch<handled>, "tidings: a handler of batches takes (const tidings::batch<E>&)");
        const auto collecting = with_prefetch(how);
        if constexpr (is_batch<handled> && !std::is_void_v<decltype(with_prefetch(how))>)
            add_batches<handled>(std::forward<F>(handler), when, collecting);
        return *this;
    }

    /// Has what was published until now, by the bus's clock, handled without waiting for company. Does not wait for it:
    /// bus::drain() does.
    void flush() noexcept { state_->flush(); }

    /// Takes no more events. Those that wait are handled, in incomplete batches if need be: bus::drain() waits for it.
    /// Who waits to publish to it goes on, and is told. reset() and the destructor discard what waits: close and drain
    /// before, and nothing is lost.
    void close() noexcept { state_->close(); }

    /// Ends its handlers, as subscription::reset() does, the last first. Called again, it waits again.
    void reset() noexcept { state_->end(); }

    // --- What it does ----------------------------------------------------------------------------------------------

    std::string_view name() const noexcept { return state_->name(); }

    /// Whether it handles events now. Without a circuit breaker it is always closed.
    breaker_state breaker() const noexcept { return state_->breaker(); }

    /// Exact while nothing is under way.
    consumer_stats stats() const noexcept { return state_->stats(); }

private:
    using state = consumer_detail::consumer_state;

    template <class D>
    struct has_keys;
    template <class Filter, class Key, class Executor>
    struct has_keys<async_delivery<Filter, Key, Executor>> : std::bool_constant<!std::is_same_v<Key, no_key>> {};

    template <class D>
    auto with_prefetch(const D& how) const {
        constexpr bool has_queue = requires { how.prefetch(std::size_t{}); };
        static_assert(has_queue,
                      "tidings: a consumer's handler has a queue, in which events wait to come again: tidings::async");
        if constexpr (has_queue) return how.prefetch(state_->options().prefetch);
    }

    /// Stands before handler number `n`.
    template <class D>
    auto around(std::size_t n, std::size_t queue) const {
        return [home = state_, to = state::handler{n, queue, has_keys<D>::value}](
                   delivery_attempt& delivery, auto call) { return home->deliver(delivery, to, call); };
    }

    template <class D, class Subscribe>
    void add(const D& how, Subscribe subscribe) {
        const auto delivery = with_prefetch(how);
        if constexpr (!std::is_void_v<decltype(with_prefetch(how))>) {
            const std::size_t number = state_->reserve_handlers(1, delivery.settings().when_full);
            const redelivering_queue queue{bus_, delivery};
            state_->add_queue(queue);
            set(number, subscribe(queue, around<D>(number, number), delivery));
        }
    }

    template <class B, class F, class D>
    void add_batches(F&& handler, const batch_options& when, const D& how) {
        using E = typename B::event_type;
        using key = std::remove_cvref_t<decltype(D{how}.take_key())>;
        constexpr bool by_key = !std::is_same_v<key, no_key>;
        const auto collecting = how.concurrency(1);  // then batch_options::held is exact
        queue_settings settings = how.settings();
        settings.capacity = static_cast<std::size_t>(-1) / 2;  // bounded by batch_options::held
        settings.when_full = overflow::block;
        settings.prefetch = 1;
        const auto delivery = batch_delivery<by_key>(settings, collecting.executor());

        const redelivering_queue batches{bus_, delivery};
        state_->add_queue(batches);
        const auto collector =
            std::make_shared<consumer_detail::batch_collector<E, key>>(bus_, when, batches, D{how}.take_key());
        const std::size_t number = state_->reserve_handlers(2, collecting.settings().when_full);
        const std::size_t collected_by = number + 1;
        state_->add_collector(number, collected_by, collector);
        const state::handler to{.number = number, .queue = number, .has_keys = by_key, .collected_by = collected_by};
        set(number, batches.template subscribe<B>(
                        bus_, name(), std::forward<F>(handler),
                        [home = state_, collector, to](delivery_attempt& attempt, auto call) {
                            const kept_event event = attempt.keep();
                            auto& contents = event.template get_if<B>()->contents();
                            if (const auto waits = collector->rest(attempt, contents)) return *waits;
                            auto whole = to;
                            whole.members = contents.events;
                            return contents.count(home->deliver(attempt, whole, call), *collector->account());
                        },
                        delivery));
        collector->set_handler(state_->subscribed(number));
        const redelivering_queue events{bus_, collecting};
        collector->account()->set_queue(events);
        const auto collect = [home = state_, collector, collected_by](delivery_attempt& attempt, auto) {
            const kept_event event = attempt.keep();
            TIDINGS_TRY {
                if (!home->claim(event, collected_by)) return settlement::done;
            }
            TIDINGS_CATCH_ALL { return collector->wait_for_memory(attempt); }
            const settlement settled = collector->collect(attempt, event, [&] { return home->waiting(collected_by); });
            if (settled != settlement::done) home->release(event, collected_by);
            return settled;
        };
        TIDINGS_TRY {
            set(collected_by, events.template subscribe<E>(
                                  bus_, name(), [](const E&) {}, collect, collecting));
        }
        TIDINGS_CATCH_ALL {
            state_->end(number, 1);
            TIDINGS_RETHROW;
        }
    }

    template <bool ByKey, class Executor>
    static auto batch_delivery(const queue_settings& settings, const Executor& executor) {
        if constexpr (ByKey)
            return async_delivery<no_filter, consumer_detail::key_of_batch, Executor>{settings, {}, {}, executor};
        else return async_delivery<no_filter, no_key, Executor>{settings, {}, {}, executor};
    }

    void set(std::size_t number, redelivering_subscription made) {
        state_->set_handler(number, std::make_shared<redelivering_subscription>(std::move(made)));
    }

    bus& bus_;
    const std::shared_ptr<state> state_;
};

}  // namespace tidings
