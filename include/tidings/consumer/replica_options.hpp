/// How much a replica keeps, and for how long.
#pragma once

#include <tidings/base/function.hpp>
#include <tidings/executor/clock.hpp>

#include <chrono>
#include <cstddef>
#include <exception>

namespace tidings {

struct replica_options {
    /// How many keys have a value, at most, exactly. For one more, the update is told that it is `full`.
    std::size_t capacity = 65'536;

    /// How many removed keys are remembered, so that an update from before the removal is known to be stale, and for
    /// how long. The oldest are forgotten first; an older update that comes later still brings the key back.
    std::size_t tombstones = 16'384;
    std::chrono::steady_clock::duration tombstone_age = std::chrono::hours{24 * 7};

    /// How many updates wait for earlier versions, of all keys together and of one, with in_sequence.
    std::size_t held = 1'024;
    std::size_t held_per_key = 64;

    /// How many concurrent versions of one key are kept; at least one. No more than there are writers, if each of them
    /// sees its own writes.
    std::size_t siblings = 16;

    /// Told of what a change handler throws, with no lock held. What it throws itself is dropped.
    base::shared_function<void(const std::exception_ptr&)> on_failure{};

    /// For tombstone_age. Empty: the system's.
    clock_ref clock{};
};

}  // namespace tidings
