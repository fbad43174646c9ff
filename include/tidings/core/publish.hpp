/// What goes with an event when it is published, and what publish answers.
#pragma once

#include <tidings/core/event_id.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tidings {

/// A name and a value that travel with an event.
struct header {
    std::string name;
    std::string value;
    friend bool operator==(const header&, const header&) = default;
};

using headers = std::vector<header>;

/// What a publisher may say of an event. Texts are read during the call only, and may be the event's own, also where it
/// is moved.
///
/// What is left out is inherited or made when somebody asks: a nil id becomes a new one, a nil correlation is that of
/// the event whose handler publishes (or the event's own id), a nil causation is the id of that event.
struct publish_options {
    std::string_view topic{};  ///< empty: the event type's name
    std::string_view key{};    ///< what order and routing go by
    std::string_view source{};
    event_id id{};
    event_id correlation_id{};
    event_id causation_id{};
    tidings::headers headers{};
};

/// What became of one event. Every active subscription that takes it is counted in one of them; a subscription
/// whose filter declines it, or whose listener has expired, in none.
struct publish_result {
    std::uint32_t handled = 0;   ///< handlers that returned
    std::uint32_t failed = 0;    ///< handlers that threw
    std::uint32_t queued = 0;    ///< queues that accepted it
    std::uint32_t rejected = 0;  ///< queues that refused it
    friend bool operator==(const publish_result&, const publish_result&) = default;
};

}  // namespace tidings
