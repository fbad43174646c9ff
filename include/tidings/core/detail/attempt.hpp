/// One delivery of an event that may come again.
#pragma once

#include <chrono>
#include <cstdint>
#include <stop_token>

namespace tidings::detail {

class event_queue;

/// Lives on the stack of the worker that delivers the event; its handler reads it, and says in it when to come again.
struct attempt {
    using time_point = std::chrono::steady_clock::time_point;

    unsigned number = 1;        ///< 1: the first
    std::uint64_t key = 0;      ///< the hash of the event's key, if its queue goes by keys
    std::uint64_t resumes = 0;  ///< of the queue, before the handler was asked
    std::uint64_t wakings = 0;  ///< of its lines, before the handler was asked
    event_queue* queue = nullptr;
    std::stop_token stop{};

    time_point due = time_point::min();  ///< with outcome::again and outcome::not_now; the least: at once
};

}  // namespace tidings::detail
