/// What became of an event that was to be put into windows.
#pragma once

#include <tidings/consumer/window.hpp>

#include <cstdint>

namespace tidings {

enum class window_outcome : std::uint8_t {
    taken,          ///< it is in every window of its that is open
    late,           ///< all its windows are closed
    too_far_ahead,  ///< its time is further from the others' than is believed
    full,           ///< it needs more windows than may be open
    nested,         ///< it came from inside a fold or merge function
    ended,          ///< a handler that ran before its turn has destroyed the aggregator
};

/// An event that is in no window. For the time of the call that it is handed to.
template <class Key, class Event>
struct missed_event {
    window_outcome why;
    event_time time;
    const Key& key;
    const Event& event;
};

}  // namespace tidings
