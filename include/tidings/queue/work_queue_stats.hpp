/// What a work queue holds, and what became of the rest.
#pragma once

#include <chrono>
#include <cstdint>

namespace tidings {

/// Each message that was pushed is in exactly one of acked, dropped, discarded, dead, ready, delayed and leased;
/// always, not only at rest.
struct work_queue_stats {
    std::uint64_t pushed = 0;    ///< accepted by push(), or dropped there
    std::uint64_t rejected = 0;  ///< not accepted: the queue was full or closed

    std::uint64_t acked = 0;
    std::uint64_t dropped = 0;    ///< gave way because the queue was full
    std::uint64_t discarded = 0;  ///< dead letters that were discarded by hand, or evicted

    std::uint64_t ready = 0;
    std::uint64_t delayed = 0;  ///< also some that have just become due, and that nobody has looked at yet
    std::uint64_t leased = 0;   ///< and neither settled nor run out; what workers fetched in advance included
    std::uint64_t dead = 0;

    std::uint64_t expired = 0;  ///< leases that ran out
    std::uint64_t evicted = 0;  ///< of the discarded: the oldest dead letter, when one more came than are kept

    std::chrono::nanoseconds oldest_age{0};  ///< for how long the message has been ready that has been for longest

    constexpr std::uint64_t accounted() const noexcept {
        return acked + dropped + discarded + dead + ready + delayed + leased;
    }

    friend bool operator==(const work_queue_stats&, const work_queue_stats&) = default;
};

}  // namespace tidings
