#include "support/catch.hpp"

#include <tidings/core/bus.hpp>
#include <tidings/core/bus_services.hpp>
#include <tidings/core/event_id.hpp>
#include <tidings/core/handler_error.hpp>
#include <tidings/testing/simulation.hpp>

#include <chrono>
#include <optional>
#include <string>

using namespace std::chrono_literals;

TEST_CASE("a bus's services are its clock, its executor and its on_error") {
    tidings::testing::simulation sim{7};
    std::string told;
    tidings::bus bus{{.executor = sim.executor(),
                      .clock = sim.clock(),
                      .on_error = [&](const tidings::handler_error& e) { told = e.what(); }}};
    const tidings::bus_services services{bus};
    const auto before = services.now();
    const auto day_before = services.system_now();
    sim.advance(3s);
    CHECK(services.now() - before == 3s);
    CHECK(services.system_now() - day_before == 3s);
    const tidings::event_id first = services.next_id();
    CHECK(first < services.next_id());
    CHECK(services.executor());
    services.report(tidings::handler_error{"somebody", "something", "told"});
    CHECK(told == "told");

    tidings::testing::simulation same{7};
    tidings::bus other{{.executor = same.executor(), .clock = same.clock()}};
    same.advance(3s);
    CHECK(tidings::bus_services{other}.random() == tidings::bus_services{bus}.random());
}

TEST_CASE("services outlive their bus") {
    tidings::testing::simulation sim{7};
    std::optional<tidings::bus> bus{std::in_place,
                                    tidings::bus_options{.executor = sim.executor(), .clock = sim.clock()}};
    const tidings::bus_services services{*bus};
    const tidings::bus_services copy = services;
    bus.reset();
    const auto before = copy.now();
    sim.advance(1s);
    CHECK(copy.now() - before == 1s);
}
