/// What the events of one key in one stretch of time came to.
#pragma once

#include <chrono>
#include <cstdint>

namespace tidings {

/// When something happened, as the event itself says: not when it was published, nor when it arrived.
using event_time = std::chrono::system_clock::time_point;

template <class Key, class Accumulator>
struct window {
    Key key;
    event_time start{};
    event_time end{};         ///< just behind it
    Accumulator value{};      ///< its events, folded
    std::uint64_t count = 0;  ///< how many they were
};

}  // namespace tidings
