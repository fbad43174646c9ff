/// What goes with a message into a work queue, and what comes back.
#pragma once

#include <chrono>
#include <cstdint>

namespace tidings {

struct push_options {
    int priority = 0;                             ///< higher first; see lowest_priority and highest_priority
    std::chrono::steady_clock::duration delay{};  ///< nobody receives it before this has passed, by the queue's clock
};

/// What became of a message.
enum class push_result : std::uint8_t {
    queued,          ///< the queue has it; under overflow::drop_oldest another may have been dropped for it
    dropped,         ///< it was counted, and gave way: the queue was full
    rejected,        ///< the queue was full; the value is where it was
    closed,          ///< the queue takes nothing any more; the value is where it was
    would_deadlock,  ///< rejected instead of blocked: nobody but the caller would have made room
};

}  // namespace tidings
