#include "support/catch.hpp"
#include "support/seed.hpp"

#include <tidings/queue/work_queue.hpp>
#include <tidings/queue/work_queue_stats.hpp>
#include <tidings/testing/simulation.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using tidings::overflow;
using tidings::work_queue;

}  // namespace

TEST_CASE("what a queue holds is counted, and for how long the oldest has been ready") {
    tidings::testing::simulation sim{1};
    work_queue<int> jobs{{.clock = sim.clock()}};
    CHECK(jobs.stats() == tidings::work_queue_stats{});
    jobs.push(1, {.delay = 10s});
    jobs.push(2);
    sim.advance(4s);
    jobs.push(3, {.priority = 5});
    sim.advance(1s);
    auto stats = jobs.stats();
    CHECK(stats.ready == 2);
    CHECK(stats.delayed == 1);
    CHECK(stats.oldest_age == 5s);
    auto high = jobs.try_receive();
    auto low = jobs.try_receive();
    stats = jobs.stats();
    CHECK(stats.leased == 2);
    CHECK(stats.oldest_age == 0s);
    CHECK(high->ack());
    CHECK(low->reject("no"));
    sim.advance(5s);
    stats = jobs.stats();
    CHECK(stats == tidings::work_queue_stats{.pushed = 3, .acked = 1, .ready = 1, .dead = 1});
    CHECK(stats.accounted() == 3);
}

// Random operations; after each, every message is in one place, and the bound holds.
TEST_CASE("the account adds up after each operation") {
    std::mt19937_64 random{support::fresh_seed("the account")};
    for (const auto policy : {overflow::reject, overflow::drop_oldest, overflow::drop_newest, overflow::block}) {
        tidings::testing::simulation sim{1};
        work_queue<int> jobs{{.capacity = 7,
                              .when_full = policy,
                              .lease = 5s,
                              .max_attempts = 2,
                              .dead_letters = 3,
                              .clock = sim.clock()}};
        std::vector<tidings::leased<int>> held;
        std::uint64_t pushed = 0;
        std::uint64_t rejected = 0;
        for (int n = 0; n < 5'000; ++n) {
            const auto pick = [&](std::size_t of) { return static_cast<std::size_t>(random() % of); };
            switch (random() % 12) {
                case 0:
                case 1:
                case 2:
                case 3: {
                    const auto result = jobs.push(
                        int{n}, {.priority = static_cast<int>(pick(3)), .delay = std::chrono::seconds{pick(4)}});
                    const bool in = result == tidings::push_result::queued || result == tidings::push_result::dropped;
                    ++(in ? pushed : rejected);
                    break;
                }
                case 4:
                case 5:
                case 6:
                    if (auto job = jobs.try_receive()) held.push_back(std::move(*job));
                    break;
                case 7:
                    sim.advance(std::chrono::seconds{pick(4)});
                    break;
                case 8:
                    if (!jobs.dead_letters().empty()) {
                        const auto id = jobs.dead_letters().list().front().id;
                        if (pick(2) == 0) jobs.dead_letters().discard(id);
                        else jobs.dead_letters().redrive(id);
                    }
                    break;
                default:
                    if (held.empty()) break;
                    auto& job = held[pick(held.size())];
                    if (pick(4) == 0) job.ack();
                    else if (pick(3) == 0) job.reject("no");
                    else if (pick(2) == 0) job.extend(std::chrono::seconds{pick(9)});
                    else std::swap(job, held.back());
                    if (pick(2) == 0) held.pop_back();
            }
            const auto stats = jobs.stats();
            REQUIRE(stats.accounted() == stats.pushed);
            REQUIRE(stats.pushed == pushed);
            REQUIRE(stats.rejected == rejected);
            REQUIRE(stats.ready + stats.delayed + stats.leased <= 7);
            REQUIRE(stats.dead <= 3);
        }
    }
}
