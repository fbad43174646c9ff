/// What a handler is: a callable that names its event, or an object with a member function.
#pragma once

#include <tidings/base/function.hpp>
#include <tidings/core/context.hpp>
#include <tidings/core/event.hpp>
#include <tidings/core/handled_event.hpp>

#include <memory>
#include <type_traits>
#include <utility>

namespace tidings::detail {

// --- Calling it ----------------------------------------------------------------------------------------------------

enum class outcome {
    handled,
    declined,
    expired,
    failed,
    again,    ///< out of a queue alone: failed, to come again at attempt::due
    not_now,  ///< out of a queue alone: was not tried; the queue is to rest until attempt::due
    rests,    ///< out of a queue alone: was not tried; its line is to rest until attempt::due, or until it is woken
};

template <class E, class F, class... Object>
concept takes_context = std::is_invocable_v<F&, Object..., const E&, const context&>;

template <class E, class F, class... Object>
concept takes_event = std::is_invocable_v<F&, Object..., const E&>;

template <class R>
constexpr void require_no_result() noexcept {
    static_assert(std::is_void_v<R>,
                  "tidings: a handler returns nothing, for its result would be lost; wrap it in a lambda that uses "
                  "or drops the result");
}

/// Refuses what cannot be called with the event, in words for its author.
template <class E, class F, class... Object>
constexpr void require_handler() noexcept {
    constexpr bool callable = takes_context<E, F, Object...> || takes_event<E, F, Object...>;
    static_assert(callable,
                  "tidings: this handler cannot be called with the event; it takes (const event&) or "
                  "(const event&, const tidings::context&)");
    if constexpr (takes_context<E, F, Object...>)
        require_no_result<std::invoke_result_t<F&, Object..., const E&, const context&>>();
    else if constexpr (callable) require_no_result<std::invoke_result_t<F&, Object..., const E&>>();
}

/// A callable as it is kept: called with `Object&...`, the event and, if it takes it, a context, made for the call.
template <class E, class F>
struct callable_handler {
    F function;

    template <class... Object>
    outcome operator()(const E& event, base::slot& frame, Object&... object) {
        if constexpr (takes_context<E, F, Object&...>) base::invoke(function, object..., event, context{frame});
        else if constexpr (takes_event<E, F, Object&...>) base::invoke(function, object..., event);
        return outcome::handled;
    }
};

template <class E, class Filter, class Handler>
struct filtered_handler {
    Filter filter;
    Handler handler;

    outcome operator()(const E& event, base::slot& frame) {
        static_assert(std::is_invocable_r_v<bool, Filter&, const E&>,
                      "tidings: a filter is called with (const event&) and returns a bool");
        if constexpr (std::is_invocable_r_v<bool, Filter&, const E&>)
            return static_cast<bool>(base::invoke(filter, event)) ? handler(event, frame) : outcome::declined;
        else return outcome::declined;
    }
};

// --- Objects that listen -------------------------------------------------------------------------------------------

/// How a listener object is held: by pointer (the caller keeps it alive for as long as the subscription), by
/// shared_ptr (the subscription keeps it alive), by weak_ptr (when it has expired, so has the subscription).
template <class Argument>
struct held {
    using object = std::remove_reference_t<Argument>;
    static_assert(std::is_lvalue_reference_v<Argument>,
                  "tidings: a temporary cannot listen; pass a variable, a pointer, a shared_ptr or a weak_ptr");
    static object* keep(object& o) noexcept { return std::addressof(o); }
};
template <class Object>
struct held<Object*> {
    using object = Object;
    static Object* keep(Object* o) noexcept { return o; }
};
template <class Object>
struct held<std::shared_ptr<Object>> {
    using object = Object;
    static std::shared_ptr<Object> keep(std::shared_ptr<Object> o) noexcept { return o; }
};
template <class Object>
struct held<std::weak_ptr<Object>> {
    using object = Object;
    static std::weak_ptr<Object> keep(std::weak_ptr<Object> o) noexcept { return o; }
};

template <class T>
inline constexpr bool is_smart_or_plain_pointer = std::is_pointer_v<T>;
template <class T>
inline constexpr bool is_smart_or_plain_pointer<std::shared_ptr<T>> = true;
template <class T>
inline constexpr bool is_smart_or_plain_pointer<std::weak_ptr<T>> = true;

/// `held` of what a function template deduced as `Argument&&`.
template <class Argument>
using held_by = held<std::conditional_t<is_smart_or_plain_pointer<std::remove_cvref_t<Argument>>,
                                        std::remove_cvref_t<Argument>, Argument>>;

template <class E, class Holder, class Handler>
struct object_handler {
    Holder object;  // T*, shared_ptr<T> or weak_ptr<T>
    Handler handler;

    outcome operator()(const E& event, base::slot& frame) {
        if constexpr (requires { object.lock(); }) {
            const auto alive = object.lock();
            return alive ? handler(event, frame, *alive) : outcome::expired;
        } else {
            return handler(event, frame, *object);
        }
    }
};

/// Makes what a subscription keeps of a callable, and of a member function with its object.
template <class E, class F>
callable_handler<E, std::decay_t<F>> make_handler(F&& function) {
    require_handler<E, std::decay_t<F>>();
    return {std::forward<F>(function)};
}

template <class E, class F, class Argument>
auto make_object_handler(F function, Argument&& object) {
    using holder = held_by<Argument>;
    require_handler<E, F, typename holder::object&>();
    auto kept = holder::keep(std::forward<Argument>(object));
    return object_handler<E, decltype(kept), callable_handler<E, F>>{std::move(kept), {std::move(function)}};
}

}  // namespace tidings::detail
