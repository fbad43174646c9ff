#include "support/catch.hpp"

#include <tidings/consumer/recent_ids.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <random>

using namespace std::chrono_literals;
using tidings::event_id;
using tidings::recent_ids;
using time_point = recent_ids::time_point;

TEST_CASE("an id is new once, until its window is over") {
    recent_ids ids{{.window = 10s}};
    const time_point start{1h};
    CHECK(ids.claim({1, 1}, start));
    CHECK_FALSE(ids.claim({1, 1}, start + 10s - 1ns));
    CHECK(ids.claim({1, 2}, start));
    CHECK(ids.claim({1, 1}, start + 10s));
}

TEST_CASE("a released id is new") {
    recent_ids ids{{.window = 10s}};
    const time_point start{1h};
    CHECK(ids.claim({1, 1}, start));
    ids.release({1, 1});
    ids.release({1, 1});
    CHECK(ids.size() == 0);
    CHECK(ids.claim({1, 1}, start));
}

TEST_CASE("no more ids than were said: the oldest give way") {
    recent_ids ids{{.window = 1h, .max_ids = 3}};
    const time_point start{1h};
    for (std::uint64_t n = 1; n != 6; ++n) CHECK(ids.claim({1, n}, start));
    CHECK(ids.size() == 3);
    CHECK(ids.forgotten_early() == 2);
    CHECK_FALSE(ids.claim({1, 3}, start));
    CHECK(ids.claim({1, 1}, start));
}

TEST_CASE("as a map that is looked through") {
    const std::uint64_t seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    recent_ids ids{{.window = 100ms, .max_ids = 1'000}};
    std::map<std::uint64_t, time_point> reference;
    time_point now{1h};
    for (int n = 0; n != 20'000; ++n) {
        now += std::chrono::milliseconds{random() % 3};
        const std::uint64_t id = random() % 200;
        if (random() % 10 == 0) {
            ids.release({7, id});
            reference.erase(id);
            continue;
        }
        std::erase_if(reference, [&](const auto& each) { return now - each.second >= 100ms; });
        REQUIRE(ids.claim({7, id}, now) == reference.try_emplace(id, now).second);
        REQUIRE(ids.size() == reference.size());
    }
}
