// Publishing on behalf of what happened outside, on simulated threads: nobody waits for the end of it, and it reaches
// no other thread.
#include "simulation/crew.hpp"
#include "simulation/explore_case.hpp"
#include "simulation/sync.hpp"

#include <tidings/tidings.hpp>

#include <array>
#include <cstdint>
#include <memory>

namespace {

using namespace tidings;
using simulation::crew;
using simulation::require;
using simulation::scheduler;

struct tick {
    std::uint64_t of = 0;
};
struct tock {
    std::uint64_t of = 0;
};

/// Each run has a domain of its own, and what is static remembers that of the run before.
void forget_the_last_run() {
    static_cast<void>(detail::event_identity<tick>::find(base::domain::here()));
    static_cast<void>(detail::event_identity<tock>::find(base::domain::here()));
}

lineage outside(std::uint64_t of) { return {.correlation_id = {of, of}, .causation_id = {0, of}}; }

/// Two that stand in calls reset what the other one published to, and a third resets both: no circle is seen.
void nobody_waits_for_the_call(scheduler& run) {
    forget_the_last_run();
    crew threads{run};
    bus bus;
    base::atomic<bool> over{false};
    std::array<subscription, 2> taken;
    for (auto& each : taken)
        each = bus.subscribe([&](const tick&) { require(!over.load(), "the handler ran after reset()"); });
    for (std::uint64_t n = 1; n <= 2; ++n) {
        threads.spawn("stands", [&, n] {
            with_context(outside(n), [&] {
                bus.publish(tick{n});
                require(taken[n % 2].reset() == reset_result::ended, "a wait for what is no handler");
                bus.publish(tick{n});
            });
        });
    }
    threads.spawn("resetter", [&] {
        for (auto& each : taken) require(each.reset() == reset_result::ended, "a wait for what is no handler");
        over.store(true);
    });
    threads.join();
}

/// Through a queue, with drains inside: each event and what it led to has the lineage of its own publisher.
void each_has_its_own(scheduler& run) {
    forget_the_last_run();
    crew threads{run};
    thread_pool pool{1};
    bus bus{{.executor = pool}};
    base::atomic<int> ticks{0};
    base::atomic<int> tocks{0};
    const subscription first = bus.subscribe(
        [&](const tick& e, const context& c) {
            if (e.of == 0) require(c.correlation_id() == c.id(), "an event of nobody's has inherited");
            else
                require(c.correlation_id() == event_id{e.of, e.of} && c.causation_id() == event_id{0, e.of},
                        "another one's lineage");
            bus.publish(tock{e.of});
            ticks.fetch_add(1);
        },
        async.capacity(1));
    const subscription second = bus.subscribe(
        [&](const tock& e, const context& c) {
            require(e.of == 0 || c.correlation_id() == event_id{e.of, e.of}, "another one's correlation");
            tocks.fetch_add(1);
        },
        async);
    for (std::uint64_t n = 0; n != 3; ++n) {
        threads.spawn("publisher", [&, n] {
            const auto publish = [&] {
                bus.publish(tick{n});
                if (run.random(2) == 0) bus.drain();
            };
            if (n != 0) with_context(outside(n), publish);
            else publish();
        });
    }
    threads.join();
    bus.drain();
    require(ticks.load() == 3 && tocks.load() == 3, "lost");
}

/// The bus goes while its last publisher stands in a call, and another thread in one of its own.
void the_bus_goes_inside(scheduler& run) {
    forget_the_last_run();
    crew threads{run};
    tidings::bus other;
    const subscription there = other.subscribe([](const tock&) {});
    threads.spawn("elsewhere", [&] { with_context(outside(1), [&] { other.publish(tock{1}); }); });
    threads.spawn("owner", [&] {
        auto mine = std::make_unique<tidings::bus>();
        const subscription taken = mine->subscribe([&](const tick&) { other.publish(tock{2}); });
        with_context(outside(2), [&] {
            mine->publish(tick{2});
            mine.reset();
            other.publish(tock{2});
        });
        require(!taken.active(), "it outlived its bus");
    });
    threads.join();
    require(there.stats().delivered == 3, "lost");
}

constexpr std::uint64_t schedules = tidings::simulation::schedules_of(10'000);

}  // namespace

TEST_CASE("simulated: nobody waits for the end of a with_context") { EXPLORE(schedules, nobody_waits_for_the_call); }
TEST_CASE("simulated: each thread's with_context is its own") { EXPLORE(schedules, each_has_its_own); }
TEST_CASE("simulated: a bus goes inside a with_context") { EXPLORE(schedules, the_bus_goes_inside); }
