/// What of <functional> the library needs, without its ten thousand lines.
#pragma once

#include <concepts>
#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

namespace tidings::base {

/// std::invoke: calls functions, members of objects, and reads data members.
template <class F, class... Arguments>
constexpr decltype(auto) invoke(F&& function, Arguments&&... arguments) {
    if constexpr (std::is_member_pointer_v<std::remove_cvref_t<F>>) {
        return [&](auto&& object, [[maybe_unused]] auto&&... rest) -> decltype(auto) {
            if constexpr (std::is_member_function_pointer_v<std::remove_cvref_t<F>>)
                return (std::forward<decltype(object)>(object).*function)(std::forward<decltype(rest)>(rest)...);
            else return std::forward<decltype(object)>(object).*function;
        }(std::forward<Arguments>(arguments)...);
    } else {
        return std::forward<F>(function)(std::forward<Arguments>(arguments)...);
    }
}

template <class>
class shared_function;

/// A callable of any type, or none. Copies share it: a call is `const` for this object, not for the callable.
template <class Result, class... Arguments>
class shared_function<Result(Arguments...)> {
public:
    shared_function() noexcept = default;
    shared_function(std::nullptr_t) noexcept {}  // NOLINT(google-explicit-constructor)

    /// Throws std::bad_alloc and what copying the callable throws. A null function pointer is none.
    template <class F>
        requires(!std::derived_from<std::remove_cvref_t<F>, shared_function> &&
                 std::is_invocable_r_v<Result, std::decay_t<F>&, Arguments...>)
    // NOLINTNEXTLINE(google-explicit-constructor,bugprone-forwarding-reference-overload): constrained
    shared_function(F&& function) {
        if constexpr (requires { function == nullptr; }) {
            if (function == nullptr) return;
        }
        callable_ = std::make_shared<kept<std::decay_t<F>>>(std::forward<F>(function));
    }

    explicit operator bool() const noexcept { return callable_ != nullptr; }

    /// Of one that is not empty.
    Result operator()(Arguments... arguments) const { return callable_->call(std::forward<Arguments>(arguments)...); }

private:
    struct callable {
        virtual Result call(Arguments... arguments) = 0;

    protected:
        ~callable() = default;
    };
    template <class F>
    struct kept final : callable {
        explicit kept(const F& source) : function(source) {}
        explicit kept(F&& source) : function(std::move(source)) {}
        Result call(Arguments... arguments) override {
            if constexpr (std::is_void_v<Result>) function(std::forward<Arguments>(arguments)...);
            else return function(std::forward<Arguments>(arguments)...);
        }
        F function;
    };

    std::shared_ptr<callable> callable_;
};

}  // namespace tidings::base
