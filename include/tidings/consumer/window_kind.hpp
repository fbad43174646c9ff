/// How time is cut into windows.
#pragma once

#include <algorithm>
#include <chrono>

namespace tidings {

/// Windows at the same times for all keys: each begins a multiple of `step` after the epoch, moved by `offset`, and is
/// `size` long. An event is in `size / step` of them.
class aligned_windows {
public:
    using duration = std::chrono::system_clock::duration;

    /// What is less than a tick counts as one, and a step longer than the size as the size.
    constexpr aligned_windows(duration size, duration step, duration offset) noexcept
        : size_{std::max(size, duration{1})},
          step_{std::clamp(step, duration{1}, size_)},
          offset_{offset % step_ + (offset % step_ < duration::zero() ? step_ : duration::zero())} {}

    constexpr duration size() const noexcept { return size_; }
    constexpr duration step() const noexcept { return step_; }
    constexpr duration offset() const noexcept { return offset_; }  ///< in [0, step)

private:
    duration size_;
    duration step_;
    duration offset_;
};

/// Windows of one key's events of which each is less than `gap` from the next.
class session_windows {
public:
    using duration = std::chrono::system_clock::duration;

    /// What is less than a tick counts as one.
    constexpr explicit session_windows(duration gap) noexcept : gap_{std::max(gap, duration{1})} {}

    constexpr duration gap() const noexcept { return gap_; }

private:
    duration gap_;
};

/// One after another: 12:00 to 12:01, 12:01 to 12:02. The offset is for days that do not begin at midnight UTC.
constexpr aligned_windows tumbling(aligned_windows::duration size, aligned_windows::duration offset = {}) noexcept {
    return {size, size, offset};
}

/// A new one with each step: 12:00 to 12:05, 12:01 to 12:06.
constexpr aligned_windows sliding(aligned_windows::duration size, aligned_windows::duration step,
                                  aligned_windows::duration offset = {}) noexcept {
    return {size, step, offset};
}

/// For as long as events follow one another; then until `gap` after the last.
constexpr session_windows session(session_windows::duration gap) noexcept { return session_windows{gap}; }

}  // namespace tidings
