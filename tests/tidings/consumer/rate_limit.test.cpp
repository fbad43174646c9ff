#include "support/catch.hpp"

#include <tidings/consumer/rate_limit.hpp>

#include <chrono>
#include <cstddef>
#include <limits>
#include <random>
#include <vector>

using namespace std::chrono_literals;
using tidings::pacer;
using time_point = pacer::time_point;

TEST_CASE("without a burst, events are spaced evenly") {
    pacer pace{{.events = 10, .per = 1s}};
    const time_point start{1h};
    CHECK(pace.next(start) == start);
    pace.pass(start);
    CHECK(pace.next(start) == start + 100ms);
    CHECK(pace.next(start + 1min) == start + 1min);
    pace.pass(start + 1min);
    CHECK(pace.next(start + 1min) == start + 1min + 100ms);
}

TEST_CASE("a burst passes at once after a pause") {
    pacer pace{{.events = 10, .per = 1s, .burst = 3}};
    const time_point start{1h};
    for (int n = 0; n != 3; ++n) {
        CHECK(pace.next(start) == start);
        pace.pass(start);
    }
    CHECK(pace.next(start) == start + 100ms);
}

TEST_CASE("never more than were said, in any time of that length") {
    const std::uint64_t seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    for (const unsigned burst : {1U, 5U}) {
        pacer pace{{.events = 20, .per = 1s, .burst = burst}};
        time_point now{1h};
        std::vector<time_point> passed;
        for (int n = 0; n != 3'000; ++n) {
            now += std::chrono::milliseconds{random() % 40};
            if (const time_point next = pace.next(now); random() % 2 == 0) now = next;
            if (pace.next(now) > now) continue;
            pace.pass(now);
            passed.push_back(now);
        }
        REQUIRE(passed.size() > 100);
        const std::size_t most = 20 + (burst - 1);
        for (std::size_t n = most; n < passed.size(); ++n) CHECK(passed[n] - passed[n - most] >= 1s);
    }
}

TEST_CASE("numbers without sense pass, one by one") {
    pacer pace{{.events = 0, .per = -1s, .burst = 0}};
    const time_point start{1h};
    pace.pass(start);
    CHECK(pace.next(start) == start);
}

TEST_CASE("the largest numbers there are let nothing pass too soon, and do not overflow") {
    constexpr auto longest = std::chrono::nanoseconds::max();
    constexpr auto most = std::numeric_limits<unsigned>::max();
    for (const auto per : {longest, longest / 2, std::chrono::nanoseconds{24h * 365}, 1ns}) {
        for (const unsigned events : {1U, 3U, most}) {
            for (const unsigned burst : {1U, 2U, most}) {
                pacer pace{{.events = events, .per = per, .burst = burst}};
                for (const auto now : {time_point::min(), time_point{}, time_point{1h}, time_point::max() - 1ns}) {
                    CHECK(pace.next(now) >= now);
                    pace.pass(now);
                    CHECK(pace.next(now) >= now);
                }
                CHECK(pace.next(time_point::max()) == time_point::max());
            }
        }
    }
    pacer once{{.events = 1, .per = longest}};
    once.pass(time_point{1h});
    CHECK(once.next(time_point{2h}) == time_point::max());
    CHECK(pacer{{.events = most, .per = 1s}}.next(time_point{1h}) == time_point{1h});
}
