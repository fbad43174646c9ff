/// How a work queue behaves.
#pragma once

#include <tidings/core/delivery.hpp>
#include <tidings/executor/clock.hpp>
#include <tidings/queue/priority_order.hpp>

#include <chrono>
#include <cstddef>

namespace tidings {

struct work_queue_options {
    /// How many messages it holds, exactly; at least one. The delayed ones are among them and so are the leased ones,
    /// so that one that comes back always has its place. Dead letters are not.
    std::size_t capacity = 1'024;

    /// `block` makes push() wait, first come, first served. `drop_oldest` drops the ready message of the lowest
    /// priority that has been ready for longest, the pushed one included; the pushed one if none is ready.
    overflow when_full = overflow::block;

    /// How long a receiver has a message to itself.
    std::chrono::steady_clock::duration lease = std::chrono::seconds{30};

    /// In all, the first one included; at least one.
    unsigned max_attempts = 5;

    priority_order priorities = priority_order::strict;

    /// How many dead letters are kept. With one more the oldest is discarded, and counted.
    std::size_t dead_letters = 1'024;

    clock_ref clock{};
};

}  // namespace tidings
