/// The time, cheaply.
#pragma once

#include <tidings/base/sync.hpp>

#include <chrono>

#if defined(__linux__) && !defined(TIDINGS_SIMULATION)
#include <time.h>  // NOLINT(modernize-deprecated-headers): clock_gettime() is POSIX
#endif

namespace tidings::base {

/// std::chrono::steady_clock's time, or some milliseconds before, where that is cheaper to read.
inline std::chrono::steady_clock::time_point coarse_now() noexcept {
    using time_point = std::chrono::steady_clock::time_point;
#if defined(__linux__) && !defined(TIDINGS_SIMULATION)
    timespec read{};
    ::clock_gettime(CLOCK_MONOTONIC_COARSE, &read);
    return time_point{std::chrono::seconds{read.tv_sec} + std::chrono::nanoseconds{read.tv_nsec}};
#else
    return time_point{base::steady_clock::now().time_since_epoch()};
#endif
}

}  // namespace tidings::base
