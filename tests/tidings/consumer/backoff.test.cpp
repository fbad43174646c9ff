#include "support/catch.hpp"

#include <tidings/consumer/backoff.hpp>

#include <chrono>
#include <cstdint>
#include <limits>

using namespace std::chrono_literals;
using tidings::backoff;
using wait = backoff::duration;

TEST_CASE("exponential waits double up to the longest") {
    const backoff b = tidings::exponential(100ms, 1s);
    CHECK(b.after(1) == wait{100ms});
    CHECK(b.after(2) == wait{200ms});
    CHECK(b.after(4) == wait{800ms});
    CHECK(b.after(5) == wait{1s});
    CHECK(b.after(std::numeric_limits<unsigned>::max()) == wait{1s});
}

TEST_CASE("fixed waits stay the same") {
    CHECK(tidings::fixed(3s).after(1) == wait{3s});
    CHECK(tidings::fixed(3s).after(1000) == wait{3s});
}

TEST_CASE("what makes no sense waits no longer than was said, and no negative time") {
    CHECK(backoff{.first = 10s, .longest = 1s}.after(1) == wait{1s});
    CHECK(backoff{.first = -10s, .longest = 1s}.after(3) == wait{0s});
    CHECK(backoff{.first = 10s, .longest = -1s}.after(3) == wait{0s});
    CHECK(backoff{.first = 1s, .longest = 10s, .factor = 0}.after(7) == wait{1s});
    CHECK(backoff{.first = 1s, .longest = 10s, .factor = std::numeric_limits<double>::quiet_NaN()}.after(7) ==
          wait{1s});
    CHECK(backoff{.first = 0s, .longest = 10s, .factor = std::numeric_limits<double>::infinity()}.after(7) <=
          wait{10s});
    CHECK(tidings::exponential(wait::max(), wait::max()).after(9) == wait::max());
}

TEST_CASE("jitter only lengthens") {
    constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
    CHECK(tidings::lengthened(100ms, 0.5, 0) == wait{100ms});
    CHECK(tidings::lengthened(100ms, 0.5, most) >= wait{149ms});
    CHECK(tidings::lengthened(100ms, 0.5, most) <= wait{150ms});
    CHECK(tidings::lengthened(100ms, 7, most) <= wait{200ms});
    CHECK(tidings::lengthened(100ms, -1, most) == wait{100ms});
    CHECK(tidings::lengthened(0ms, 1, most) == wait{0ms});
    CHECK(tidings::lengthened(wait::max(), 1, most) == wait::max());
}
