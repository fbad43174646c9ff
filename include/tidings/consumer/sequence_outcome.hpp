/// What became of a numbered event.
#pragma once

#include <cstdint>

namespace tidings {

enum class sequence_outcome : std::uint8_t {
    delivered,      ///< it was its turn
    held,           ///< until those before it come, or are given up
    duplicate,      ///< its number has been delivered, or is held
    straggler,      ///< its number has been given up
    too_old,        ///< its number is from before the first, or from before the gaps that are remembered
    too_far_ahead,  ///< its number is further ahead than is believed
    full,           ///< it came from inside a handler, and no more may be held
    ended,          ///< a handler that ran before its turn has destroyed the resequencer
};

/// An event that is not delivered. For the time of the call that it is handed to, which may move from it.
template <class Event>
struct stray_event {
    sequence_outcome why;
    std::uint64_t sequence;
    Event& event;
};

}  // namespace tidings
