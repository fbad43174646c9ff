/// What became of the events and windows of an aggregator.
#pragma once

#include <cstdint>

namespace tidings {

/// Each event that was added is in exactly one of taken, late, too_far_ahead, full, nested and failed; each window
/// that was opened is in exactly one of closed, merged and open. Between calls.
struct window_stats {
    std::uint64_t added = 0;
    std::uint64_t taken = 0;
    std::uint64_t late = 0;
    std::uint64_t too_far_ahead = 0;
    std::uint64_t full = 0;
    std::uint64_t nested = 0;
    std::uint64_t failed = 0;  ///< the fold or merge function threw, or there was no memory

    std::uint64_t partly_late = 0;  ///< of the taken: some of their windows were closed
    std::uint64_t jumps = 0;        ///< of the taken: believed though too far ahead, because others were so, too

    std::uint64_t opened = 0;
    std::uint64_t closed = 0;
    std::uint64_t merged = 0;  ///< sessions that became part of an earlier one
    std::uint64_t open = 0;
    std::uint64_t high_water = 0;  ///< the most that were ever open

    std::uint64_t handler_failures = 0;  ///< handlers of closed windows and missed events that threw

    constexpr std::uint64_t accounted() const noexcept { return taken + late + too_far_ahead + full + nested + failed; }

    friend bool operator==(const window_stats&, const window_stats&) = default;
};

}  // namespace tidings
