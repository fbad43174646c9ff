#include "support/catch.hpp"

#include <tidings/core/bus.hpp>
#include <tidings/core/stats.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

namespace {
struct tick {
    int n = 0;
};
}  // namespace

TEST_CASE("delivered and failed are exact through resets and rearranged tables") {
    std::optional<tidings::bus> bus{std::in_place,
                                    tidings::bus_options{.on_error = [](const tidings::handler_error&) {}}};
    auto stays = bus->subscribe([](const tick& t) {
        if (t.n % 3 == 0) throw 1;
    });
    std::uint64_t calls = 0;
    tidings::subscription leaves;
    for (int n = 0; n < 300; ++n) {
        // Every way to change a table: in place, by copy, above in priority, compaction.
        auto passing = bus->subscribe([](const tick&) {}, tidings::sync.priority(n % 3 - 1));
        if (n == 100) leaves = bus->subscribe([&](const tick&) { ++calls; });
        bus->publish(tick{n});
        if (n == 200) leaves.reset();
    }
    CHECK(stays.stats() == tidings::subscription_stats{.delivered = 200, .failed = 100});
    CHECK(leaves.stats() == tidings::subscription_stats{.delivered = calls, .failed = 0});
    CHECK(calls == 101);
    bus.reset();
    CHECK(stays.stats() == tidings::subscription_stats{.delivered = 200, .failed = 100});
}

TEST_CASE("counts are exact with more threads than have a place of their own") {
    tidings::bus bus;
    std::atomic<std::uint64_t> calls{0};
    auto taken = bus.subscribe([&](const tick&) { calls.fetch_add(1, std::memory_order_relaxed); });
    constexpr int threads = 24;
    constexpr int each = 2'000;
    std::atomic<int> ready{0};
    std::vector<std::thread> publishing;
    for (int t = 0; t < threads; ++t) {
        publishing.emplace_back([&] {
            bus.publish(tick{});  // takes a record, which it keeps until all have one
            ++ready;
            while (ready.load() != threads) std::this_thread::yield();
            for (int n = 1; n < each; ++n) bus.publish(tick{n});
        });
    }
    for (std::thread& t : publishing) t.join();
    CHECK(calls.load() == std::uint64_t{threads} * each);
    CHECK(taken.stats().delivered == calls.load());
}

TEST_CASE("a subscription to nothing has counted nothing") {
    CHECK(tidings::subscription{}.stats() == tidings::subscription_stats{});
}
