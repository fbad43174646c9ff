#include "support/catch.hpp"

#include <tidings/consumer/circuit_breaker.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <random>

using namespace std::chrono_literals;
using tidings::breaker_state;
using tidings::circuit_breaker;
using result = circuit_breaker::result;
using time_point = circuit_breaker::time_point;

namespace {

const time_point start{1h};

void fail(circuit_breaker& breaker, time_point now) { breaker.leave(*breaker.enter(now), result::failed, now); }
void succeed(circuit_breaker& breaker, time_point now) { breaker.leave(*breaker.enter(now), result::succeeded, now); }

}  // namespace

TEST_CASE("failures in a row open a breaker, and a success between them does not count as one") {
    circuit_breaker breaker{{.failures = 3}};
    fail(breaker, start);
    fail(breaker, start);
    succeed(breaker, start);
    fail(breaker, start);
    fail(breaker, start);
    CHECK(breaker.state(start) == breaker_state::closed);
    fail(breaker, start);
    CHECK(breaker.state(start) == breaker_state::open);
    CHECK_FALSE(breaker.enter(start));
    CHECK(breaker.ask_again() == start + 30s);
    CHECK(breaker.openings() == 1);
}

TEST_CASE("what ended without success or failure changes nothing") {
    circuit_breaker breaker{{.failures = 2}};
    fail(breaker, start);
    breaker.leave(*breaker.enter(start), result::unknown, start);
    fail(breaker, start);
    CHECK(breaker.state(start) == breaker_state::open);
    breaker.leave(*breaker.enter(start + 30s), result::unknown, start + 30s);  // a probe
    CHECK(breaker.state(start + 30s) == breaker_state::half_open);
    CHECK(breaker.enter(start + 30s));  // gives its place back
}

TEST_CASE("half open it lets as many pass as have to succeed") {
    circuit_breaker breaker{{.failures = 1, .open_for = 10s, .probes = 2}};
    fail(breaker, start);
    CHECK(breaker.state(start + 10s - 1ns) == breaker_state::open);
    const time_point later = start + 10s;
    CHECK(breaker.state(later) == breaker_state::half_open);
    const auto first = breaker.enter(later);
    const auto second = breaker.enter(later);
    REQUIRE(first);
    REQUIRE(second);
    CHECK_FALSE(breaker.enter(later));
    CHECK(breaker.ask_again() == time_point::max());
    breaker.leave(*first, result::succeeded, later);
    CHECK_FALSE(breaker.enter(later));  // two are enough
    breaker.leave(*second, result::succeeded, later);
    CHECK(breaker.state(later) == breaker_state::closed);
}

TEST_CASE("a probe that fails opens it again") {
    circuit_breaker breaker{{.failures = 1, .open_for = 10s, .probes = 2}};
    fail(breaker, start);
    const time_point later = start + 10s;
    succeed(breaker, later);
    fail(breaker, later);
    CHECK(breaker.state(later) == breaker_state::open);
    CHECK(breaker.ask_again() == later + 10s);
    CHECK(breaker.openings() == 2);
    succeed(breaker, later + 10s);
    CHECK(breaker.state(later + 10s) == breaker_state::half_open);  // the success before counts no more
    succeed(breaker, later + 10s);
    CHECK(breaker.state(later + 10s) == breaker_state::closed);
}

TEST_CASE("who came in before a change says nothing of what came after") {
    circuit_breaker breaker{{.failures = 1, .open_for = 10s}};
    const auto early = breaker.enter(start);
    const auto late = breaker.enter(start);
    fail(breaker, start);
    breaker.leave(*early, result::succeeded, start);
    CHECK(breaker.state(start) == breaker_state::open);
    const auto probe = breaker.enter(start + 10s);
    REQUIRE(probe);
    breaker.leave(*late, result::failed, start + 10s);
    CHECK(breaker.state(start + 10s) == breaker_state::half_open);
    breaker.leave(*probe, result::succeeded, start + 10s);
    CHECK(breaker.state(start + 10s) == breaker_state::closed);
}

TEST_CASE("numbers without sense") {
    circuit_breaker breaker{{.failures = 0, .open_for = -1s, .probes = 0}};
    fail(breaker, start);
    CHECK(breaker.state(start) == breaker_state::half_open);
    succeed(breaker, start);
    CHECK(breaker.state(start) == breaker_state::closed);

    circuit_breaker for_ever{{.failures = 1, .open_for = std::chrono::nanoseconds::max()}};
    fail(for_ever, start);
    CHECK(for_ever.ask_again() == time_point::max());
    CHECK(for_ever.state(start + 24h * 365) == breaker_state::open);
}
