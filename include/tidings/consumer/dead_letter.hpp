/// An event that a consumer gave up.
#pragma once

#include <tidings/core/event_id.hpp>
#include <tidings/core/kept_event.hpp>
#include <tidings/core/publish.hpp>

#include <chrono>
#include <string>
#include <vector>

namespace tidings {

/// What a dead letter is of, and why. A copy; the event itself is shared.
struct dead_letter {
    using time_point = std::chrono::system_clock::time_point;

    /// How it was given up before it was sent again.
    struct earlier_death {
        int attempts = 0;
        std::string error;
        time_point time{};
    };

    tidings::event_id id{};  ///< the letter's own
    tidings::event_id event_id{};
    std::string consumer;
    std::string event_type;
    std::string topic;
    std::string key;  ///< what its publisher said; empty if nothing
    std::string source;
    tidings::headers headers;
    int attempts = 0;   ///< 0: it was not tried, for an earlier event of its key is dead
    std::string error;  ///< of the last attempt
    time_point time{};  ///< when it was given up
    std::vector<earlier_death> history;
    kept_event event;
};

/// Which letters. What is left out lets all pass.
struct dead_letter_query {
    std::string consumer{};
    std::string event_type{};
    std::string error_contains{};
    dead_letter::time_point since = dead_letter::time_point::min();
    dead_letter::time_point until = dead_letter::time_point::max();  ///< up to, and not at

    bool matches(const dead_letter& letter) const noexcept {
        return (consumer.empty() || letter.consumer == consumer) &&
               (event_type.empty() || letter.event_type == event_type) &&
               letter.error.find(error_contains) != std::string::npos && letter.time >= since && letter.time < until;
    }
};

}  // namespace tidings
