/// So many, in so long a time.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace tidings {

/// At most `events` in any time of length `per`, evenly; up to `burst` of them at once, if there were none before.
struct rate_limit {
    unsigned events = 100;  ///< 0 counts as 1
    std::chrono::nanoseconds per{std::chrono::seconds{1}};
    unsigned burst = 1;  ///< 0 counts as 1; they come on top of `events` in the first such time
};

/// Spaces what passes. Not thread-safe. Constant. Neither throws nor allocates.
/// Source: the generic cell rate algorithm (ITU-T I.371).
class pacer {
public:
    using time_point = std::chrono::steady_clock::time_point;

    explicit pacer(const rate_limit& limit) noexcept
        : interval_{std::max(limit.per, {}) / std::max(limit.events, 1U)},
          tolerance_{multiplied(interval_, std::max(limit.burst, 1U) - 1)} {}

    /// When the next may pass: not later than `now`, if it is now.
    time_point next(time_point now) const noexcept {
        return std::max(ideal_ < time_point::min() + tolerance_ ? time_point::min() : ideal_ - tolerance_, now);
    }

    /// One passes, and next() allowed it.
    void pass(time_point now) noexcept {
        const time_point from = std::max(ideal_, now);
        ideal_ = from > time_point::max() - interval_ ? time_point::max() : from + interval_;
    }

private:
    static std::chrono::nanoseconds multiplied(std::chrono::nanoseconds one, unsigned times) noexcept {
        constexpr auto most = std::chrono::nanoseconds::max();
        return times != 0 && one > most / times ? most : one * times;
    }

    std::chrono::nanoseconds interval_;
    std::chrono::nanoseconds tolerance_;
    time_point ideal_{};  // when the next would pass if all came evenly
};

}  // namespace tidings
