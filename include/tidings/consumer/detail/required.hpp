/// A function that must not be left out.
#pragma once

#include <concepts>
#include <cstddef>
#include <type_traits>
#include <utility>

namespace tidings::consumer_detail {

template <class>
inline constexpr bool is_there = false;

/// A Function for a member of an aggregate: one that is not named there does not compile, and says so.
template <class Function>
class required {
public:
    template <class Missing = void>
    required() {
        static_assert(is_there<Missing>,
                      "tidings: a function is left out that has to be given; name all but the "
                      "optional ones: {.fold = ..., .closed = ...}");
    }

    template <class F>
        requires(!std::derived_from<std::remove_cvref_t<F>, required>)
    // NOLINTNEXTLINE(google-explicit-constructor,bugprone-forwarding-reference-overload): constrained
    required(F&& function) : function_{accepted(std::forward<F>(function))} {}

    template <class... Arguments>
    void operator()(Arguments&&... arguments) const {
        function_(std::forward<Arguments>(arguments)...);
    }

private:
    template <class F>
    static Function accepted(F&& function) {
        constexpr bool fits = std::is_constructible_v<Function, F> && !std::is_same_v<std::decay_t<F>, std::nullptr_t>;
        static_assert(fits, "tidings: this function cannot be called with what it would get");
        if constexpr (fits) return Function{std::forward<F>(function)};
        else return {};
    }

    Function function_;
};

}  // namespace tidings::consumer_detail
