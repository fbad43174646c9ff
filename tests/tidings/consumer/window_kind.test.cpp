#include "support/catch.hpp"

#include <tidings/consumer/window_kind.hpp>

#include <chrono>

using namespace std::chrono_literals;
using duration = tidings::aligned_windows::duration;

TEST_CASE("tumbling windows are sliding ones whose step is their size") {
    CHECK(tidings::tumbling(1min).size() == 1min);
    CHECK(tidings::tumbling(1min).step() == 1min);
    CHECK(tidings::tumbling(1min).offset() == 0min);
    CHECK(tidings::sliding(5min, 1min).size() == 5min);
    CHECK(tidings::sliding(5min, 1min).step() == 1min);
    CHECK(tidings::session(30s).gap() == 30s);
}

TEST_CASE("an offset counts as what is left of it in a step") {
    CHECK(tidings::tumbling(24h, 26h).offset() == 2h);
    CHECK(tidings::tumbling(24h, -2h).offset() == 22h);
    CHECK(tidings::sliding(24h, 1h, -90min).offset() == 30min);
    CHECK(tidings::tumbling(1min, duration::min()).offset() >= 0s);
    CHECK(tidings::tumbling(1min, duration::max()).offset() < 1min);
    CHECK(tidings::tumbling(duration::max(), duration::min()).offset() < duration::max());
}

TEST_CASE("what makes no sense becomes what is nearest to it") {
    constexpr duration tick{1};
    CHECK(tidings::tumbling(0s).size() == tick);
    CHECK(tidings::tumbling(-1s).step() == tick);
    CHECK(tidings::sliding(1min, 0s).step() == tick);
    CHECK(tidings::sliding(1min, 2min).step() == 1min);
    CHECK(tidings::session(-5s).gap() == tick);
    static_assert(tidings::session(1s).gap() == 1s);
}
