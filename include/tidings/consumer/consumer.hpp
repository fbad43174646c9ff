/// Handlers that belong together, and what becomes of the events that they fail on.
#pragma once

#include <tidings/base/config.hpp>
#include <tidings/consumer/consumer_options.hpp>
#include <tidings/consumer/consumer_stats.hpp>
#include <tidings/consumer/detail/consumer_state.hpp>
#include <tidings/core/bus.hpp>
#include <tidings/core/delivery.hpp>
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

    void set(std::size_t number, redelivering_subscription made) {
        state_->set_handler(number, std::make_shared<redelivering_subscription>(std::move(made)));
    }

    bus& bus_;
    const std::shared_ptr<state> state_;
};

}  // namespace tidings
