/// How long to wait before something is tried again.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>

namespace tidings {

/// The waits between attempts: the first, and how they grow, up to the longest. A value.
struct backoff {
    using duration = std::chrono::nanoseconds;

    duration first{std::chrono::milliseconds{100}};
    duration longest{std::chrono::seconds{30}};
    double factor = 2;  ///< from each wait to the next; less than 1 counts as 1

    /// The wait after attempt number `failed`, from 1. Never more than `longest`, never negative.
    duration after(unsigned failed) const noexcept {
        const duration most = std::max(longest, duration::zero());
        const double growth = std::pow(std::max(1.0, factor), failed > 1 ? failed - 1 : 0);  // of no number, 1
        const double wait = static_cast<double>(std::max(first, duration::zero()).count()) * growth;
        if (!(wait < static_cast<double>(most.count()))) return most;  // and where the product is no number
        return duration{static_cast<duration::rep>(wait)};
    }

    friend bool operator==(const backoff&, const backoff&) = default;
};

/// Each wait is twice the one before.
constexpr backoff exponential(backoff::duration first, backoff::duration longest) noexcept {
    return {.first = first, .longest = longest, .factor = 2};
}

/// All waits are the same.
constexpr backoff fixed(backoff::duration wait) noexcept { return {.first = wait, .longest = wait, .factor = 1}; }

/// `wait` and up to `jitter` times as much again, by a random number: those that failed together are not tried again
/// together, and none is tried sooner than was said.
inline backoff::duration lengthened(backoff::duration wait, double jitter, std::uint64_t random) noexcept {
    if (!(jitter > 0) || wait <= backoff::duration::zero()) return wait;
    const double share = static_cast<double>(random >> 11) * 0x1p-53;  // in [0, 1)
    const double longer = static_cast<double>(wait.count()) * (1 + std::min(jitter, 1.0) * share);
    if (!(longer < static_cast<double>(backoff::duration::max().count()))) return backoff::duration::max();
    return std::max(wait, backoff::duration{static_cast<backoff::duration::rep>(longer)});
}

}  // namespace tidings
