#include "support/catch.hpp"

#include <tidings/core/bus.hpp>
#include <tidings/core/context.hpp>
#include <tidings/core/lineage.hpp>
#include <tidings/core/with_context.hpp>

#include <thread>

namespace {

struct first {};
struct second {};

}  // namespace

TEST_CASE("what an event leads to inherits its lineage, also on a thread of the handler's own") {
    tidings::bus bus;
    tidings::event_id cause;
    tidings::event_id causation;
    tidings::event_id correlation;
    auto goes_on_elsewhere = bus.subscribe([&](const first&, const tidings::context& c) {
        cause = c.id();
        std::thread{[&bus, from = tidings::lineage_of(c)] {
            tidings::with_context(from, [&] { bus.publish(second{}); });
        }}.join();
    });
    auto hears = bus.subscribe([&](const second&, const tidings::context& c) {
        causation = c.causation_id();
        correlation = c.correlation_id();
    });
    bus.publish(first{}, {.correlation_id = {7, 7}});
    CHECK(cause != tidings::event_id{});
    CHECK(causation == cause);
    CHECK(correlation == tidings::event_id{7, 7});
}

TEST_CASE("a root's lineage is the root itself, and lineages compare as values") {
    tidings::bus bus;
    int calls = 0;
    auto looks = bus.subscribe([&](const first&, const tidings::context& c) {
        ++calls;
        const tidings::lineage of = tidings::lineage_of(c);
        CHECK(of == tidings::lineage{.correlation_id = c.id(), .causation_id = c.id()});
        CHECK_FALSE(of == tidings::lineage{.correlation_id = c.id()});
        CHECK_FALSE(of == tidings::lineage{});
    });
    bus.publish(first{});
    CHECK(calls == 1);
}
