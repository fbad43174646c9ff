/// When a batch is handled.
#pragma once

#include <chrono>
#include <cstddef>

namespace tidings {

/// A batch is handled as soon as one of them holds: it has `size` events; its first event has waited for `within`, by
/// the bus's clock.
struct batch_options {
    std::size_t size = 100;
    std::chrono::nanoseconds within = std::chrono::seconds{1};
    /// How many events may be in batches that have not been handled to their end. When there are so many, incomplete
    /// batches are handled at once, and what comes waits in the queue.
    std::size_t held = 10'000;
};

}  // namespace tidings
