/// The headers with which a trace goes from one program to the next.
#pragma once

#include <tidings/consumer/traceparent.hpp>
#include <tidings/core/context.hpp>
#include <tidings/core/publish.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace tidings {

/// What a trace's `tracestate` is called, and how long one may be that is carried.
inline constexpr std::string_view tracestate_header = "tracestate";
inline constexpr std::size_t longest_tracestate = 512;

/// The headers `traceparent` and `tracestate`: for an event, to be found by those who send requests on its behalf; or
/// for such a request. Of no trace, none.
///
/// `tracestate` is carried as it is, to the byte; one that is longer than the bound, or that has other bytes than
/// printable ASCII, is left out: it could not be sent on. Throws std::bad_alloc.
///
/// Source: W3C, "Trace Context", section 3.3.
inline headers trace_headers(const std::optional<traceparent>& trace, std::string_view tracestate = {}) {
    headers made;
    if (!trace) return made;
    made.push_back({std::string{traceparent::header_name}, to_string(*trace)});
    const auto may_be_sent = [](char c) { return (c >= ' ' && c <= '~') || c == '\t'; };
    if (!tracestate.empty() && tracestate.size() <= longest_tracestate &&
        std::all_of(tracestate.begin(), tracestate.end(), may_be_sent))
        made.push_back({std::string{tracestate_header}, std::string{tracestate}});
    return made;
}

/// Those with which the trace of a handler's event goes on: with an event that it publishes, where they are not
/// inherited, or with a request that it sends.
inline headers trace_headers(const context& from) {
    return trace_headers(traceparent_of(from), from.header(tracestate_header));
}

}  // namespace tidings
