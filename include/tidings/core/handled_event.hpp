/// Which event a callable takes.
#pragma once

#include <tidings/core/event.hpp>

#include <type_traits>

namespace tidings {
namespace detail {

struct not_deducible {};

template <class>
struct signature {
    using first = not_deducible;
};
template <class R, class A, class... Rest, bool N>
struct signature<R (*)(A, Rest...) noexcept(N)> {
    using first = A;
};
template <class R, class C, class A, class... Rest, bool N>
struct signature<R (C::*)(A, Rest...) noexcept(N)> {
    using first = A;
};
template <class R, class C, class A, class... Rest, bool N>
struct signature<R (C::*)(A, Rest...) const noexcept(N)> {
    using first = A;
};
template <class R, class C, class A, class... Rest, bool N>
struct signature<R (C::*)(A, Rest...) & noexcept(N)> {
    using first = A;
};
template <class R, class C, class A, class... Rest, bool N>
struct signature<R (C::*)(A, Rest...) const & noexcept(N)> {
    using first = A;
};

template <class F>
constexpr auto first_parameter() noexcept {
    if constexpr (std::is_pointer_v<F> || std::is_member_function_pointer_v<F>)
        return std::type_identity<typename signature<F>::first>{};
    else if constexpr (requires { &F::operator(); })
        return std::type_identity<typename signature<decltype(&F::operator())>::first>{};
    else return std::type_identity<not_deducible>{};
}

template <class F>
constexpr auto deduce_event() noexcept {
    using parameter = typename decltype(first_parameter<F>())::type;
    constexpr bool deducible = !std::is_same_v<parameter, not_deducible>;
    static_assert(deducible,
                  "tidings: cannot tell which event this handler takes (it is generic, overloaded, or takes none); "
                  "name the event: bus.subscribe<order_placed>(handler)");
    if constexpr (std::is_lvalue_reference_v<parameter>) {
        static_assert(std::is_const_v<std::remove_reference_t<parameter>>,
                      "tidings: a handler takes its event by const reference: others receive the same object");
    }
    static_assert(!std::is_rvalue_reference_v<parameter>,
                  "tidings: a handler takes its event by const reference: others receive the same object");
    using named = std::remove_cvref_t<parameter>;
    require_event<named>();
    return std::type_identity<named>{};
}

}  // namespace detail

/// The event that a handler takes as its first parameter. Does not compile, in words, if it does not say.
template <class Handler>
using handled_event = typename decltype(detail::deduce_event<Handler>())::type;

}  // namespace tidings
