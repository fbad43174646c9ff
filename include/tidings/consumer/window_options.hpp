/// How windows are kept.
#pragma once

#include <chrono>
#include <cstddef>

namespace tidings {

struct window_options {
    using duration = std::chrono::system_clock::duration;

    /// For how long a window stays open for events that are late: the watermark is the largest event time so far,
    /// less this. A negative one counts as none.
    duration allowed_lateness{};

    /// How many windows may be open, of all keys together.
    std::size_t max_open_windows = 65'536;

    /// How far an event's time may be ahead of the largest one so far: one wrong clock is not to close everything.
    duration longest_jump = std::chrono::hours{1};

    /// Of so many events in a row that are too far ahead, each no further from the one before than `longest_jump`, the
    /// last is believed: the source has paused. 1 believes every event.
    unsigned believed_after = 3;
};

}  // namespace tidings
