/// An event in bytes, with all that was said of it.
#pragma once

#include <tidings/core/event_id.hpp>
#include <tidings/core/publish.hpp>

#include <chrono>
#include <string>

namespace tidings {

/// What a store keeps of an event, and a broker carries. A value.
struct stored_event {
    event_id id{};
    std::string type;        ///< E::event_type
    int schema_version = 1;  ///< E::schema_version
    std::string topic;       ///< empty: the type
    std::string key;
    std::string source;
    event_id correlation_id{};
    event_id causation_id{};
    std::chrono::system_clock::time_point time{};
    tidings::headers headers;
    std::string payload;

    /// For publish(). Its texts are those of this object.
    publish_options options() const {
        return {.topic = topic,
                .key = key,
                .source = source,
                .id = id,
                .correlation_id = correlation_id,
                .causation_id = causation_id,
                .headers = headers};
    }

    friend bool operator==(const stored_event&, const stored_event&) = default;
};

}  // namespace tidings
