/// What is counted.
#pragma once

#include <chrono>
#include <cstdint>

namespace tidings {

/// What became of the events that came to one subscription, or to all of a bus: each that was accepted is in exactly
/// one of delivered, failed, dropped, discarded and queued. Exact while nothing is under way; an event that is being
/// handled may be counted as delivered already.
struct subscription_stats {
    std::uint64_t delivered = 0;  ///< the handler returned
    std::uint64_t failed = 0;     ///< the handler threw, or its filter
    std::uint64_t dropped = 0;    ///< gave way because the queue was full
    std::uint64_t discarded = 0;  ///< queued when the subscription ended, or its listener or executor was gone
    std::uint64_t queued = 0;     ///< waits, or is being handled
    std::uint64_t rejected = 0;   ///< not accepted: the queue was full or closed, or the event could not be copied

    std::uint64_t high_water = 0;              ///< the most that ever waited
    std::chrono::nanoseconds longest_wait{0};  ///< from publish() to its handler; to some milliseconds

    constexpr std::uint64_t accepted() const noexcept { return delivered + failed + dropped + discarded + queued; }

    /// The sums; of the last two, the larger.
    constexpr subscription_stats& operator+=(const subscription_stats& other) noexcept {
        delivered += other.delivered;
        failed += other.failed;
        dropped += other.dropped;
        discarded += other.discarded;
        queued += other.queued;
        rejected += other.rejected;
        if (other.high_water > high_water) high_water = other.high_water;
        if (other.longest_wait > longest_wait) longest_wait = other.longest_wait;
        return *this;
    }

    friend bool operator==(const subscription_stats&, const subscription_stats&) = default;
};

/// The sums over all subscriptions of a bus, those that have ended included; of the last two, the largest.
using bus_stats = subscription_stats;

}  // namespace tidings
