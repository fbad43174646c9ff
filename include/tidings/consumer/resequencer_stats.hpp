/// What became of the events of a resequencer.
#pragma once

#include <cstdint>

namespace tidings {

/// Each event that was pushed is in exactly one of delivered, failed, held, duplicates, stragglers, too_old,
/// too_far_ahead and full. Between calls.
struct resequencer_stats {
    std::uint64_t pushed = 0;
    std::uint64_t delivered = 0;
    std::uint64_t failed = 0;  ///< the handler threw, or there was no memory to hold it
    std::uint64_t held = 0;
    std::uint64_t duplicates = 0;
    std::uint64_t stragglers = 0;
    std::uint64_t too_old = 0;
    std::uint64_t too_far_ahead = 0;
    std::uint64_t full = 0;

    std::uint64_t gaps = 0;              ///< given up
    std::uint64_t missing = 0;           ///< the numbers in them
    std::uint64_t crowded_out = 0;       ///< of the gaps: before their time, for room
    std::uint64_t high_water = 0;        ///< the most that were ever held
    std::uint64_t handler_failures = 0;  ///< handlers of gaps and strays that threw

    constexpr std::uint64_t accounted() const noexcept {
        return delivered + failed + held + duplicates + stragglers + too_old + too_far_ahead + full;
    }

    friend bool operator==(const resequencer_stats&, const resequencer_stats&) = default;
};

}  // namespace tidings
