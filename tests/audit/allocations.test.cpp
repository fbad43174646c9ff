// The n-th allocation fails, for every n: each operation is whole or not at all, nothing leaks, the bus goes on.
#include "support/allocations.hpp"
#include "support/captures.hpp"
#include "support/catch.hpp"

#include <tidings/tidings.hpp>
#include <tidings/topic/topic.hpp>

#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace {

struct tick {
    int n = 0;
};
struct tock {};

struct listener {
    using listens_to = tidings::events<tick, tock>;
    int calls = 0;
    void on(const tick&) { ++calls; }
    void on(const tock&) { ++calls; }
};

/// Runs `operation` with its first, second, … allocation failing, until none fails; returns how many did.
/// After each failure `unchanged()` looks at what is left.
template <class Operation, class Unchanged>
int fail_every_allocation(Operation operation, Unchanged unchanged) {
    int failures = 0;
    for (const auto how : {support::failing::once, support::failing::from_then_on}) {
        for (int n = 1; n < 1'000; ++n) {
            bool threw = false;
            bool happened = false;
            try {
                const support::failing_allocation failing{n, how};
                struct look {
                    const support::failing_allocation& at;
                    bool& into;
                    ~look() { into = at.happened(); }
                } const looks{failing, happened};
                operation();
            } catch (const std::bad_alloc&) {
                threw = true;
            }
            if (threw) unchanged();
            if (!happened) break;
            ++failures;
        }
    }
    return failures;
}

}  // namespace

TEST_CASE("a subscribe that fails leaves nothing behind") {
    if (!support::counts_allocations) return;
    tidings::bus bus;
    int calls = 0;
    std::vector<tidings::subscription> kept;
    kept.reserve(100);
    std::uint32_t listening = 0;
    const std::string name = "a name that is longer than a small string may be";
    // Through several sizes of the table, and after publishes that freeze it.
    for (int round = 0; round < 12; ++round) {
        const int failures = fail_every_allocation(
            [&] {
                kept.push_back(bus.subscribe(
                    name, [&calls](const tick&) { ++calls; }, tidings::sync.priority(round % 3)));
                ++listening;
            },
            [&] { CHECK(kept.size() == listening); });
        CHECK(failures >= 1);
        CHECK(bus.publish(tick{}).handled == listening);
    }
    const auto before = support::blocks_in_use.load();
    {
        auto one_more = bus.subscribe([](const tick&) {});
    }
    kept.clear();
    CHECK(bus.publish(tick{}).handled == 0);
    CHECK(support::blocks_in_use.load() < before);
}

TEST_CASE("a listen that fails subscribes none of the events") {
    if (!support::counts_allocations) return;
    tidings::bus bus;
    listener object;
    std::optional<tidings::subscriptions> links;
    fail_every_allocation([&] { links = tidings::listen(bus, object); },
                          [&] {
                              const int before = object.calls;
                              if (!links) {
                                  bus.publish(tick{});
                                  bus.publish(tock{});
                                  CHECK(object.calls == before);
                              }
                          });
    REQUIRE(links);
    CHECK(bus.publish(tick{}).handled == 1);
    CHECK(bus.publish(tock{}).handled == 1);
}

TEST_CASE("a publish that fails has called no handler, and the next one works") {
    if (!support::counts_allocations) return;
    for (int round = 0; round < 3; ++round) {
        tidings::bus bus;
        int calls = 0;
        auto taken = bus.subscribe([&](const tick&) { ++calls; });
        // A thread of its own: its record, its slots and its counter are all still to be made, or taken over.
        std::thread{[&] {
            const int failures = fail_every_allocation([&] { bus.publish(tick{}); }, [&] { CHECK(calls == 0); });
            CHECK(failures >= 1);
        }}.join();
        CHECK(calls >= 1);
        CHECK(bus.publish(tick{}).handled == 1);
        CHECK(taken.stats().delivered == static_cast<std::uint64_t>(calls));
    }
}

TEST_CASE("a nested publish that fails is its handler's failure") {
    if (!support::counts_allocations) return;
    tidings::bus bus{{.on_error = [](const tidings::handler_error&) {}}};
    int inner = 0;
    std::optional<tidings::publish_result> result;
    auto nested = bus.subscribe([&](const tock&) { ++inner; });
    auto outer = bus.subscribe([&](const tick&) { bus.publish(tock{}); });
    std::thread{[&] { fail_every_allocation([&] { result = bus.publish(tick{}); }, [] {}); }}.join();
    REQUIRE(result);
    CHECK(result->handled == 1);
    CHECK(inner >= 1);
    CHECK(nested.stats().delivered == static_cast<std::uint64_t>(inner));
}

TEST_CASE("a publish to a topic that was seen before allocates nothing") {
    if (!support::counts_allocations) return;
    tidings::bus bus;
    std::vector<tidings::subscription> all;
    int calls = 0;
    for (int n = 0; n < 1'000; ++n)
        all.push_back(bus.subscribe(tidings::topic{"line." + std::to_string(n) + ".*"}, [&](const tick&) { ++calls; }));
    all.push_back(bus.subscribe(tidings::topic{"#.seven"}, [&](const tidings::any_event&) { ++calls; }));
    const std::string topics[]{"line.7.seven", "line.8.eight", "line.none.of.these"};
    const auto publish = [&] {
        const std::uint64_t before = support::allocated_here;
        for (const std::string& topic : topics) bus.publish(tick{}, {.topic = topic});
        return support::allocated_here - before;
    };
    CHECK(publish() > 0);
    CHECK(calls == 3);
    for (int n = 0; n < 100; ++n) CHECK(publish() == 0);
    CHECK(calls == 303);
}

TEST_CASE("a bus that cannot be made leaks nothing, and reset needs no memory") {
    if (!support::counts_allocations) return;
    { const tidings::bus first; }  // what the process makes once
    const auto before = support::blocks_in_use.load();
    fail_every_allocation([] { const tidings::bus bus{{.on_error = [](const tidings::handler_error&) {}}}; }, [] {});
    CHECK(support::blocks_in_use.load() == before);

    tidings::bus bus;
    support::watched captured;
    auto taken = bus.subscribe([held = captured.copy()](const tick&) {});
    bus.publish(tick{});
    {
        const support::failing_allocation failing{1, support::failing::from_then_on};
        taken.reset();
    }
    CHECK_FALSE(captured.exists());
    CHECK(bus.publish(tick{}).handled == 0);
}
