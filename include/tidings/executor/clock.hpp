/// Where time comes from.
#pragma once

#include <tidings/base/entropy.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

namespace tidings {

namespace detail {

/// Something to be called at a time. It belongs to whoever made it, and must live until it was called or taken back.
class alarm {
public:
    using function = void (*)(alarm&) noexcept;
    using time_point = std::chrono::steady_clock::time_point;

    explicit alarm(function f) noexcept : ring{f} {}
    alarm(const alarm&) = delete;
    alarm& operator=(const alarm&) = delete;

    /// Called once for each call_at(), never early, by a thread of the clock that holds no lock: it is to be short, to
    /// post and to return. The clock does not touch the alarm from then on: `ring` may destroy it, or set it anew.
    const function ring;

    // For the clock it stands in.
    time_point due{};
    std::uint64_t order = 0;                           // among those that are due at the same time
    std::size_t place = static_cast<std::size_t>(-1);  // -1: it stands in none

protected:
    ~alarm() = default;
};

/// What the library asks of a clock. Thread-safe.
class clock_port {
public:
    virtual ~clock_port() = default;
    clock_port() = default;
    clock_port(const clock_port&) = delete;
    clock_port& operator=(const clock_port&) = delete;

    /// Never goes back.
    virtual std::chrono::steady_clock::time_point now() const noexcept = 0;

    /// The time of day.
    virtual std::chrono::system_clock::time_point system_now() const noexcept = 0;

    /// For ids and jitter.
    virtual std::uint64_t random() noexcept { return base::entropy(); }

    /// Rings `a` at `due` or soon after. Alarms that are due at the same time ring in the order of these calls. Throws
    /// std::bad_alloc, and tidings::error where the clock needs a thread that the system does not give.
    virtual void call_at(alarm& a, std::chrono::steady_clock::time_point due) = 0;

    /// Takes the alarm back. False: it has rung, or begins to at this moment, on another thread maybe.
    virtual bool cancel(alarm& a) noexcept = 0;
};

}  // namespace detail

/// A reference to a clock, a simulation's for instance. Empty: the system's.
class clock_ref {
public:
    clock_ref() noexcept = default;
    explicit clock_ref(std::shared_ptr<detail::clock_port> port) noexcept : port_{std::move(port)} {}

    explicit operator bool() const noexcept { return port_ != nullptr; }
    const std::shared_ptr<detail::clock_port>& port() const noexcept { return port_; }

private:
    std::shared_ptr<detail::clock_port> port_;
};

}  // namespace tidings
