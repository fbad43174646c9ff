/// Objects that listen to several event types.
#pragma once

#include <tidings/core/bus.hpp>
#include <tidings/core/delivery.hpp>
#include <tidings/core/detail/handler.hpp>
#include <tidings/core/event.hpp>
#include <tidings/core/subscription.hpp>

#include <concepts>
#include <cstddef>
#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace tidings {

/// Several subscriptions with one lifetime; ended in the reverse order.
class [[nodiscard]] subscriptions {
public:
    subscriptions() noexcept = default;
    subscriptions(subscriptions&&) noexcept = default;
    subscriptions& operator=(subscriptions&& other) noexcept {
        subscriptions old{std::move(*this)};
        all_ = std::move(other.all_);
        return *this;
    }
    ~subscriptions() { clear(); }

    /// Throws std::bad_alloc, and ends `one` then.
    void add(subscription one) { all_.push_back(std::move(one)); }

    /// Takes over all of `others`. Throws std::bad_alloc, and changes nothing then.
    void add(subscriptions others) {
        all_.reserve(all_.size() + others.all_.size());
        for (subscription& one : others.all_) all_.push_back(std::move(one));
        others.all_.clear();
    }

    void reserve(std::size_t n) { all_.reserve(n); }
    std::size_t size() const noexcept { return all_.size(); }
    bool empty() const noexcept { return all_.empty(); }
    const subscription& operator[](std::size_t n) const noexcept { return all_[n]; }

    /// Ends all of them; see subscription::reset().
    void clear() noexcept {
        while (!all_.empty()) all_.pop_back();
    }

private:
    std::vector<subscription> all_;
};

namespace detail {

template <class... E>
constexpr std::size_t count_events(events<E...>) noexcept {
    return sizeof...(E);
}

template <class T>
struct pointed_to : std::type_identity<T> {};
template <class T>
struct pointed_to<T*> : std::type_identity<T> {};
template <class T>
struct pointed_to<std::shared_ptr<T>> : std::type_identity<T> {};
template <class T>
struct pointed_to<std::weak_ptr<T>> : std::type_identity<T> {};

template <class L>
using listened_by = typename pointed_to<std::remove_cvref_t<L>>::type::listens_to;

}  // namespace detail

/// An object that says what it listens to, or a pointer to one, plain or smart.
template <class L>
concept event_listener = requires { typename detail::listened_by<L>; };

/// How many event types that are.
template <event_listener L>
inline constexpr std::size_t events_listened_to = detail::count_events(detail::listened_by<L>{});

namespace detail {

/// Converts to `const E&` and to nothing else: finds a handler for E itself, not for what E converts to.
template <class E>
struct exactly {
    template <class T>
        requires std::same_as<T, E>
    operator const T&() const noexcept;  // NOLINT(google-explicit-constructor)
};

template <class E, class Listener>
concept has_handler = requires(Listener& l, exactly<E> e) { l.on(e); } ||
                      requires(Listener& l, exactly<E> e, const context& c) { l.on(e, c); };

struct call_on {
    template <class Listener, class E>
    auto operator()(Listener& listener, const E& event, const context& origin) const {
        if constexpr (requires(exactly<E> e) { listener.on(e, origin); }) return listener.on(event, origin);
        else return listener.on(event);
    }
};

template <class E, class Listener>
constexpr void require_listener() noexcept {
    static_assert(has_handler<E, Listener>,
                  "tidings: this listener does not handle an event that it lists in listens_to; add a public "
                  "on(const event&) or on(const event&, const tidings::context&) for each of them");
}

template <class Listener, class... E, class Each>
void for_each_event(events<E...>, Each each) {
    static_assert(sizeof...(E) > 0, "tidings: listens_to names no event");
    (require_listener<E, Listener>(), ...);
    (each(std::type_identity<E>{}), ...);
}

/// Calls `each(std::type_identity<E>)` for what the listener listens to. `Listener` is as a function template deduced
/// it.
template <class Listener, class Each>
void for_each_event(Each each) {
    using object = typename held_by<Listener>::object;
    static_assert(
        requires { typename object::listens_to; },
        "tidings: a listener says what it listens to: using listens_to = tidings::events<order_placed>;");
    for_each_event<object>(typename object::listens_to{}, each);
}

}  // namespace detail

/// Subscribes `listener.on(const E&)` for each E of `Listener::listens_to`. The listener is a variable or a plain
/// pointer (yours to keep alive), a shared_ptr (kept alive) or a weak_ptr (until it expires). Leaving out one of the
/// handlers does not compile. With tidings::async all of
/// them share one queue: one event at a time, in the order of publication, whatever its type. Throws std::bad_alloc,
/// and nothing is subscribed then.
template <class Listener, delivery D = sync_delivery<>>
subscriptions listen(bus& on, std::string_view name, Listener&& listener, D how = {}) {
    auto kept = detail::held_by<Listener>::keep(std::forward<Listener>(listener));
    const detail::event_queue::owner queue = detail::queue_for(on, how);
    subscriptions all;
    detail::for_each_event<Listener>([&]<class E>(std::type_identity<E>) {
        all.add(detail::subscribe_object<E>(on, name, kept, detail::call_on{}, how, queue.get()));
    });
    return all;
}

template <class Listener, delivery D = sync_delivery<>>
subscriptions listen(bus& on, Listener&& listener, D how = {}) {
    return listen(on, std::string_view{}, std::forward<Listener>(listener), std::move(how));
}

}  // namespace tidings
