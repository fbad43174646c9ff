/// Dead letters as JSON, for tools and for people.
#pragma once

#include <tidings/consumer/dead_letter.hpp>
#include <tidings/core/event_id.hpp>
#include <tidings/core/kept_event.hpp>

#include <nlohmann/json.hpp>

#include <chrono>
#include <concepts>
#include <cstdio>
#include <string>
#include <utility>

namespace tidings {
namespace format_detail {

/// "2026-11-25T17:27:00.123Z" (RFC 3339), to the millisecond before.
inline std::string rfc3339(std::chrono::system_clock::time_point time) {
    using namespace std::chrono;
    const auto whole = floor<milliseconds>(time);
    const auto day = floor<days>(whole);
    const year_month_day date{day};
    const hh_mm_ss clock{whole - day};
    char text[40];
    const int size =
        std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()),
                      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                      static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                      static_cast<int>(clock.seconds().count()), static_cast<int>(clock.subseconds().count()));
    return {text, static_cast<std::size_t>(size)};
}

inline nlohmann::ordered_json object_of(const dead_letter& letter) {
    using json = nlohmann::ordered_json;
    json headers = json::object();
    for (const auto& [name, value] : letter.headers) headers[name] = value;
    json history = json::array();
    for (const auto& each : letter.history)
        history.push_back({{"attempts", each.attempts}, {"error", each.error}, {"time", rfc3339(each.time)}});
    return {{"id", to_string(letter.id)},   {"event_id", to_string(letter.event_id)},
            {"consumer", letter.consumer},  {"event_type", letter.event_type},
            {"topic", letter.topic},        {"key", letter.key},
            {"source", letter.source},      {"headers", std::move(headers)},
            {"attempts", letter.attempts},  {"error", letter.error},
            {"time", rfc3339(letter.time)}, {"history", std::move(history)}};
}

/// Bytes that are no UTF-8 become U+FFFD.
inline std::string line_of(const nlohmann::ordered_json& object) {
    return object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace format_detail

/// The letter as a JSON object in one line: its fields under their names, ids as UUIDs, times in UTC. It has all that
/// was said of the event, keys and headers included, but not the event.
///
/// Any text is a sound one afterwards: bytes that are no UTF-8 are replaced. Of several headers of one name the last
/// one stays. Throws std::bad_alloc. Thread-safe.
inline std::string to_json(const dead_letter& letter) {
    return format_detail::line_of(format_detail::object_of(letter));
}

/// The same with the event under "event", as `payload(const kept_event&)` says it: a nlohmann::json, null for an event
/// that it does not know. Throws what that throws.
template <class Payload>
    requires std::invocable<Payload&, const kept_event&>
std::string to_json(const dead_letter& letter, Payload payload) {
    nlohmann::ordered_json object = format_detail::object_of(letter);
    object["event"] = payload(letter.event);
    return format_detail::line_of(object);
}

}  // namespace tidings
