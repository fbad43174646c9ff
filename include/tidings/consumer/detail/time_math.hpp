/// Times that do not overflow: they stop at the ends of what can be said.
#pragma once

#include <chrono>
#include <cstdint>

namespace tidings::consumer_detail {

/// `from <= to`.
template <class Clock, class Duration>
constexpr Duration between(std::chrono::time_point<Clock, Duration> from,
                           std::chrono::time_point<Clock, Duration> to) noexcept {
    const auto ticks = static_cast<std::uint64_t>(to.time_since_epoch().count()) -
                       static_cast<std::uint64_t>(from.time_since_epoch().count());
    constexpr auto most = static_cast<std::uint64_t>(Duration::max().count());
    return ticks < most ? Duration{static_cast<typename Duration::rep>(ticks)} : Duration::max();
}

/// `by >= 0`.
template <class Clock, class Duration>
constexpr std::chrono::time_point<Clock, Duration> later(std::chrono::time_point<Clock, Duration> t,
                                                         Duration by) noexcept {
    constexpr auto last = std::chrono::time_point<Clock, Duration>::max();
    return by <= between(t, last) ? t + by : last;
}

/// `by >= 0`.
template <class Clock, class Duration>
constexpr std::chrono::time_point<Clock, Duration> earlier(std::chrono::time_point<Clock, Duration> t,
                                                           Duration by) noexcept {
    constexpr auto first = std::chrono::time_point<Clock, Duration>::min();
    return by <= between(first, t) ? t - by : first;
}

}  // namespace tidings::consumer_detail
