/// What a consumer has done.
#pragma once

#include <tidings/consumer/circuit_breaker.hpp>
#include <tidings/core/stats.hpp>

#include <cstdint>

namespace tidings {

struct consumer_stats {
    subscription_stats events{};      ///< the sums over its handlers; an event that comes again is still queued
    std::uint64_t retried = 0;        ///< failed attempts after which another was due
    std::uint64_t dead_lettered = 0;  ///< events that became dead letters
    std::uint64_t given_up = 0;       ///< events that failed for good, and nobody kept
    std::uint64_t unkept = 0;         ///< times that the dead letters refused one; it waits, and is offered again
    std::uint64_t duplicates = 0;     ///< events that were left out because their id was known
    std::uint64_t overran = 0;        ///< attempts that took longer than the time limit
    breaker_state breaker = breaker_state::closed;
    std::uint64_t breaker_openings = 0;
};

}  // namespace tidings
