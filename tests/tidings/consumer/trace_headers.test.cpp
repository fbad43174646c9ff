#include "support/catch.hpp"

#include <tidings/consumer/trace_headers.hpp>
#include <tidings/core/bus.hpp>
#include <tidings/core/with_context.hpp>

#include <optional>
#include <string>

namespace {

using tidings::headers;
using tidings::trace_headers;
using tidings::traceparent;

const std::string example = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

headers of(const std::string& state) { return trace_headers(traceparent::parse(example), state); }

}  // namespace

TEST_CASE("a trace is two headers, one if it has no state, and none is none") {
    CHECK(of("a=1,b=2") == headers{{"traceparent", example}, {"tracestate", "a=1,b=2"}});
    CHECK(of("") == headers{{"traceparent", example}});
    CHECK(trace_headers(traceparent::parse(example)) == headers{{"traceparent", example}});
    CHECK(trace_headers(std::nullopt, "a=1").empty());
    CHECK(trace_headers(traceparent::parse("garbage"), "a=1").empty());
}

TEST_CASE("the state is carried to the byte up to its bound, and beyond it not at all") {
    const std::string odd = " a=1 ,\t,=,b=~!";
    CHECK(of(odd)[1].value == odd);
    const std::string longest(512, 'x');
    CHECK(of(longest)[1].value == longest);
    CHECK(of(longest + 'x').size() == 1);
    CHECK(of(std::string(10'000'000, 'x')).size() == 1);
}

TEST_CASE("a state that would end the header it is sent in is left out") {
    for (int byte = 0; byte != 256; ++byte) {
        const char c = static_cast<char>(byte);
        const bool printable = (byte >= 0x20 && byte <= 0x7E) || byte == '\t';
        CHECK(of(std::string{"a=1"} + c + "b=2").size() == (printable ? 2U : 1U));
    }
}

TEST_CASE("a handler hands on both, and says that its event is the parent") {
    struct request {};
    struct follow_up {};
    tidings::bus bus;
    headers sent;
    tidings::event_id cause;
    tidings::event_id parent;
    auto publishes = bus.subscribe([&](const request&, const tidings::context& c) {
        cause = c.id();
        bus.publish(follow_up{}, {.headers = trace_headers(c)});
    });
    auto sends = bus.subscribe([&](const follow_up&, const tidings::context& c) {
        const auto came = traceparent::parse(c.header("traceparent"));
        REQUIRE(came);
        CHECK(came->parent_id == cause.low());
        parent = c.id();
        sent = trace_headers(c);
    });
    const auto incoming = traceparent::parse(example);
    tidings::with_context(tidings::lineage_of(incoming),
                          [&] { bus.publish(request{}, {.headers = trace_headers(incoming, "a=1")}); });
    REQUIRE(sent.size() == 2);
    CHECK(traceparent::parse(sent[0].value) ==
          traceparent{incoming->trace_id, parent.low(), tidings::trace_flags::sampled});
    CHECK(sent[1] == tidings::header{"tracestate", "a=1"});
}
