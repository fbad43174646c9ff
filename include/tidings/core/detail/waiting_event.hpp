/// An event that waits in a queue.
#pragma once

#include <cstdint>

namespace tidings::detail {

class envelope;
struct queued_node;
struct lane;

/// An event that waits, and for whom.
struct waiting_event {
    envelope* event = nullptr;
    queued_node* target = nullptr;
    std::uint64_t key = 0;  ///< a hash
    lane* from = nullptr;   ///< set when it was taken out of a lane, which is busy until told otherwise
};

}  // namespace tidings::detail
