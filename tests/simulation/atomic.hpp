/// std::atomic for a simulation: each operation is a preemption point. Orders are accepted, and all are
/// sequentially consistent.
#pragma once

#include "simulation/scheduler.hpp"

#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstring>
#include <type_traits>

namespace tidings::base {

template <class T>
class atomic {
    static_assert(std::is_trivially_copyable_v<T>);

    static constexpr bool integral = std::is_integral_v<T> && !std::is_same_v<T, bool>;
    static constexpr bool pointer = std::is_pointer_v<T> && !std::is_function_v<std::remove_pointer_t<T>> &&
                                    !std::is_void_v<std::remove_pointer_t<T>>;
    static constexpr bool arithmetic = integral || std::is_floating_point_v<T> || pointer;

    using operation = simulation::operation;
    using order = std::memory_order;
    static constexpr order seq_cst = std::memory_order_seq_cst;

public:
    using value_type = T;
    using difference_type = std::conditional_t<pointer, std::ptrdiff_t, T>;
    static constexpr bool is_always_lock_free = std::atomic<T>::is_always_lock_free;

    constexpr atomic() noexcept(std::is_nothrow_default_constructible_v<T>) : value_{} {}
    constexpr atomic(T initial) noexcept : value_{initial} {}
    atomic(const atomic&) = delete;
    atomic& operator=(const atomic&) = delete;

    bool is_lock_free() const noexcept { return is_always_lock_free; }

    T load(order = seq_cst) const noexcept {
        step(operation::load);
        return value_;
    }
    operator T() const noexcept { return load(); }

    void store(T desired, order = seq_cst) noexcept {
        step(operation::store);
        value_ = desired;
        written();
    }
    T operator=(T desired) noexcept {  // NOLINT(misc-unconventional-assign-operator): as std::atomic
        store(desired);
        return desired;
    }

    T exchange(T desired, order = seq_cst) noexcept {
        return replace(operation::exchange, [&](T) { return desired; });
    }

    bool compare_exchange_strong(T& expected, T desired, order = seq_cst) noexcept {
        step(operation::compare_exchange);
        if (!same(value_, expected)) {
            expected = value_;
            return false;
        }
        value_ = desired;
        written();
        return true;
    }
    bool compare_exchange_strong(T& expected, T desired, order success, order) noexcept {
        return compare_exchange_strong(expected, desired, success);
    }

    /// Fails for nothing now and then.
    bool compare_exchange_weak(T& expected, T desired, order success = seq_cst) noexcept {
        simulation::scheduler* const running = simulation::scheduler::current();
        if (running == nullptr || !running->weak_failure()) return compare_exchange_strong(expected, desired, success);
        step(operation::compare_exchange);
        expected = value_;
        return false;
    }
    bool compare_exchange_weak(T& expected, T desired, order success, order) noexcept {
        return compare_exchange_weak(expected, desired, success);
    }

    T fetch_add(difference_type by, order = seq_cst) noexcept
        requires arithmetic
    {
        return replace(operation::modify, [&](T old) { return sum(old, by); });
    }
    T fetch_sub(difference_type by, order = seq_cst) noexcept
        requires arithmetic
    {
        return replace(operation::modify, [&](T old) { return difference(old, by); });
    }
    T fetch_and(T bits, order = seq_cst) noexcept
        requires integral
    {
        return replace(operation::modify, [&](T old) { return static_cast<T>(old & bits); });
    }
    T fetch_or(T bits, order = seq_cst) noexcept
        requires integral
    {
        return replace(operation::modify, [&](T old) { return static_cast<T>(old | bits); });
    }
    T fetch_xor(T bits, order = seq_cst) noexcept
        requires integral
    {
        return replace(operation::modify, [&](T old) { return static_cast<T>(old ^ bits); });
    }

    T operator+=(difference_type by) noexcept
        requires arithmetic
    {
        return sum(fetch_add(by), by);
    }
    T operator-=(difference_type by) noexcept
        requires arithmetic
    {
        return difference(fetch_sub(by), by);
    }
    T operator&=(T bits) noexcept
        requires integral
    {
        return static_cast<T>(fetch_and(bits) & bits);
    }
    T operator|=(T bits) noexcept
        requires integral
    {
        return static_cast<T>(fetch_or(bits) | bits);
    }
    T operator^=(T bits) noexcept
        requires integral
    {
        return static_cast<T>(fetch_xor(bits) ^ bits);
    }
    T operator++() noexcept
        requires(integral || pointer)
    {
        return *this += difference_type{1};
    }
    T operator--() noexcept
        requires(integral || pointer)
    {
        return *this -= difference_type{1};
    }
    T operator++(int) noexcept
        requires(integral || pointer)
    {
        return fetch_add(difference_type{1});
    }
    T operator--(int) noexcept
        requires(integral || pointer)
    {
        return fetch_sub(difference_type{1});
    }

    void wait(T old, order = seq_cst) const noexcept {
        step(operation::atomic_wait);
        while (same(value_, old)) {
            simulation::scheduler* const running = simulation::scheduler::current();
            if (running == nullptr) simulation::fatal("an atomic is waited for and no thread can change it");
            running->block({operation::atomic_wait, this});
        }
    }
    void notify_one() noexcept {
        step(operation::atomic_notify);
        if (auto* const running = simulation::scheduler::current()) running->wake_one(this);
        written();
    }
    void notify_all() noexcept {
        step(operation::atomic_notify);
        if (auto* const running = simulation::scheduler::current()) running->wake_all(this);
        written();
    }

private:
    void step(operation what) const noexcept {
        if (auto* const running = simulation::scheduler::current()) running->step(what, this);
    }

    static void written() noexcept {
        if (auto* const running = simulation::scheduler::current()) running->written();
    }

    template <class Change>
    T replace(operation what, Change change) noexcept {
        step(what);
        const T old = value_;
        value_ = change(old);
        written();
        return old;
    }

    static T sum(T a, difference_type b) noexcept {
        if constexpr (integral) {
            using bits = std::make_unsigned_t<T>;  // an atomic's overflow wraps
            return static_cast<T>(static_cast<bits>(static_cast<bits>(a) + static_cast<bits>(b)));
        } else {
            return a + b;
        }
    }

    static T difference(T a, difference_type b) noexcept {
        if constexpr (integral) {
            using bits = std::make_unsigned_t<T>;
            return static_cast<T>(static_cast<bits>(static_cast<bits>(a) - static_cast<bits>(b)));
        } else {
            return a - b;
        }
    }

    /// As the standard compares: representations, not values.
    static bool same(const T& a, const T& b) noexcept {
        if constexpr (std::is_scalar_v<T> && !std::is_floating_point_v<T>) return a == b;
        else return std::memcmp(&a, &b, sizeof(T)) == 0;
    }

    T value_;
};

}  // namespace tidings::base
