/// How events reach a handler: on the publisher's thread, or through a queue.
#pragma once

#include <tidings/base/function.hpp>
#include <tidings/executor/executor.hpp>

#include <concepts>
#include <cstddef>
#include <type_traits>
#include <utility>

namespace tidings {

/// Lets every event pass.
struct no_filter {};

namespace detail {

/// Lets pass what both let pass.
template <class First, class Second>
constexpr auto both_filters(const First& first, Second second) {
    if constexpr (std::is_same_v<First, no_filter>) {
        return second;
    } else {
        return [first, second = std::move(second)](const auto& event) {
            return static_cast<bool>(base::invoke(first, event)) && static_cast<bool>(base::invoke(second, event));
        };
    }
}

}  // namespace detail

/// On the publisher's thread, inside publish. A value: each setting returns a changed copy.
template <class Filter = no_filter>
class sync_delivery {
public:
    constexpr sync_delivery() = default;
    constexpr sync_delivery(int order, Filter predicate) : filter_{std::move(predicate)}, priority_{order} {}

    /// Higher runs earlier; 0 unless set. At equal priority handlers run in the order of their subscription.
    [[nodiscard]] constexpr sync_delivery priority(int value) const& { return {value, filter_}; }
    [[nodiscard]] constexpr sync_delivery priority(int value) && { return {value, std::move(filter_)}; }

    /// The handler gets only events for which `predicate(event)` is true. It runs like the handler does: on the
    /// publisher's thread, under the same barrier; one that throws counts as the handler's failure. The filters of
    /// two calls must both pass.
    template <class Predicate>
    [[nodiscard]] constexpr auto filter(Predicate predicate) const {
        auto both = detail::both_filters(filter_, std::move(predicate));
        return sync_delivery<decltype(both)>{priority_, std::move(both)};
    }

    constexpr int priority() const noexcept { return priority_; }
    constexpr Filter&& take_filter() && noexcept { return std::move(filter_); }

private:
    [[no_unique_address]] Filter filter_{};
    int priority_ = 0;
};

/// The default delivery: `bus.subscribe(handler, tidings::sync.priority(10))`.
inline constexpr sync_delivery<> sync{};

/// What happens to an event that finds a queue full.
enum class overflow {
    block,        ///< its publisher waits; see async_delivery::when_full()
    reject,       ///< it is not accepted, and the publisher is told
    drop_oldest,  ///< the event that has waited longest makes room for it
    drop_newest,  ///< it is dropped
};

/// What of a delivery through a queue is not a type.
struct queue_settings {
    std::size_t capacity = 1'024;
    overflow when_full = overflow::block;
    unsigned concurrency = 0;  ///< 0: one, or with keys as many as the executor has
    int priority = 0;
    std::size_t prefetch = 128;  ///< how many events a thread may take out at once; more than that counts as that
};

/// One after another.
struct no_key {};

/// The bus's executor.
struct executor_of_bus {};

/// Through a queue of the subscription, on an executor: publish returns when the event stands in the queue. A value:
/// each setting returns a changed copy.
///
/// One event at a time, in the order of publication, unless it is told otherwise: concurrency() lets events overtake
/// one another, ordered_by() does so only where the key differs.
template <class Filter = no_filter, class Key = no_key, class Executor = executor_of_bus>
class async_delivery {
public:
    constexpr async_delivery() = default;
    constexpr async_delivery(queue_settings settings, Filter filter, Key key, Executor executor)
        : filter_{std::move(filter)}, key_{std::move(key)}, executor_{std::move(executor)}, settings_{settings} {}

    /// How many events may wait, exactly; at least one. The events that are being handled are not among them.
    [[nodiscard]] constexpr async_delivery capacity(std::size_t events) const {
        return with([&](queue_settings& s) { s.capacity = events != 0 ? events : 1; });
    }

    /// `block` (the default) makes the publisher wait, in the order of arrival. Where that would be a wait for itself,
    /// because its thread is one that has to empty the queue, or would close a circle of such waits, the event is
    /// rejected instead, counted, and told to on_error.
    [[nodiscard]] constexpr async_delivery when_full(overflow policy) const {
        return with([&](queue_settings& s) { s.when_full = policy; });
    }

    /// How many events may be handled at the same time.
    [[nodiscard]] constexpr async_delivery concurrency(unsigned n) const {
        return with([&](queue_settings& s) { s.concurrency = n != 0 ? n : 1; });
    }

    /// How many events a thread takes out of the queue at once, where one thread handles them all; more than 128 count
    /// as that. What it takes comes sooner, and later ones cannot be dropped for it.
    [[nodiscard]] constexpr async_delivery prefetch(std::size_t events) const {
        return with([&](queue_settings& s) { s.prefetch = events != 0 ? events : 1; });
    }

    /// Whose queue is filled first, and before handlers on the publisher's thread run: higher first; 0 unless set.
    [[nodiscard]] constexpr async_delivery priority(int value) const {
        return with([&](queue_settings& s) { s.priority = value; });
    }

    /// Events of one key are handled one after another in the order of publication, those of different keys at the
    /// same time. `key(event)` is a member or a function; what it returns needs a std::hash. It runs on the publisher's
    /// thread. Keys are known by their hash: where two have the same, they count as one. A key takes memory only
    /// while it has events.
    template <class K>
    [[nodiscard]] constexpr auto ordered_by(K key) const {
        return async_delivery<Filter, K, Executor>{settings_, filter_, std::move(key), executor_};
    }

    /// Where the handler runs. See executor_ref for how long that has to live.
    [[nodiscard]] auto on(executor_ref executor) const {
        return async_delivery<Filter, Key, executor_ref>{settings_, filter_, key_, std::move(executor)};
    }

    /// Only events for which `predicate(event)` is true are queued. It runs on the publisher's thread, on several at
    /// once maybe, under the handler's barrier. One that throws counts as a rejection. The filters of two calls must
    /// both pass.
    template <class Predicate>
    [[nodiscard]] constexpr auto filter(Predicate predicate) const {
        auto both = detail::both_filters(filter_, std::move(predicate));
        return async_delivery<decltype(both), Key, Executor>{settings_, std::move(both), key_, executor_};
    }

    constexpr const queue_settings& settings() const noexcept { return settings_; }
    constexpr Filter&& take_filter() && noexcept { return std::move(filter_); }
    constexpr Key&& take_key() && noexcept { return std::move(key_); }
    constexpr const Executor& executor() const noexcept { return executor_; }

private:
    template <class Change>
    constexpr async_delivery with(Change change) const {
        async_delivery changed{*this};
        change(changed.settings_);
        return changed;
    }

    [[no_unique_address]] Filter filter_{};
    [[no_unique_address]] Key key_{};
    [[no_unique_address]] Executor executor_{};
    queue_settings settings_;
};

/// `bus.subscribe(handler, tidings::async)`.
inline constexpr async_delivery<> async{};

template <class D>
inline constexpr bool is_delivery = false;
template <class Filter>
inline constexpr bool is_delivery<sync_delivery<Filter>> = true;
template <class Filter, class Key, class Executor>
inline constexpr bool is_delivery<async_delivery<Filter, Key, Executor>> = true;

template <class D>
concept delivery = is_delivery<std::remove_cvref_t<D>>;

}  // namespace tidings
