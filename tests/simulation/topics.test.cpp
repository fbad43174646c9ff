// Topics on simulated threads: routes are made, replaced and freed under publishers.
#include "simulation/explore_case.hpp"
#include "simulation/sync.hpp"

#include <tidings/tidings.hpp>
#include <tidings/topic/topic.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace {

using namespace tidings;
using simulation::require;
using simulation::scheduler;

struct tick {
    static constexpr std::string_view event_type = "tick";
};
struct tock {
    static constexpr std::string_view event_type = "tock";
};

/// Each run has a domain of its own, and what is static remembers that of the run before.
void forget_the_last_run() {
    static_cast<void>(detail::event_identity<tick>::find(base::domain::here()));
    static_cast<void>(detail::event_identity<tock>::find(base::domain::here()));
}

/// Lives while its handler does.
struct capture {
    explicit capture(base::atomic<int>& count) : living{&count} { living->fetch_add(1); }
    ~capture() { living->fetch_sub(1); }
    capture(const capture&) = delete;
    capture& operator=(const capture&) = delete;
    base::atomic<int>* living;
};

/// The barrier of a pattern, with publishes of its topic, of its type's name and of a type that nobody named under way.
void reset_is_a_barrier(scheduler& run) {
    forget_the_last_run();
    bus bus;
    base::atomic<int> living{0};
    base::atomic<bool> over{false};
    auto owned = std::make_shared<capture>(living);
    subscription taken = bus.subscribe(
        topic{"#"}, [&, owned](const any_event&) { require(!over.load(), "the handler ran after reset()"); });
    owned.reset();
    run.spawn("publisher", [&] {
        bus.publish(tick{}, {.topic = "a"});
        bus.publish(tick{}, {.topic = "a"});
    });
    run.spawn("another", [&] {
        bus.publish(tick{});
        bus.publish(tock{}, {.topic = "a"});
    });
    for (int r = 0; r < 2; ++r) {
        run.spawn("resetter", [&] {
            require(taken.reset() == reset_result::ended, "reset() did not wait");
            require(living.load() == 0, "the captures live after reset()");
            over.store(true);
        });
    }
    run.join_all();
    require(taken.stats().delivered <= 4, "the count is off");
}

/// One that stays gets everything, once and counted, while others come and go for the same topics.
void routes_are_replaced_under_publishers(scheduler& run) {
    forget_the_last_run();
    bus bus;
    std::array<int, 2> calls{};
    const subscription stays = bus.subscribe(topic{"*"}, [&](const tick&) { ++calls[0]; });
    const subscription typed = bus.subscribe([&](const tock&) { ++calls[1]; });
    run.spawn("publisher", [&] {
        for (const char* name : {"a", "b", "a"}) bus.publish(tick{}, {.topic = name});
        bus.publish(tock{}, {.topic = "a"});
    });
    run.spawn("changer", [&] {
        subscription passing = bus.subscribe(topic{"a"}, [](const any_event&) {});
        subscription more = bus.subscribe([](const tick&) {});
        passing.reset();
        const subscription late = bus.subscribe(
            topic{"#.b"}, [](const any_event&) {}, tidings::sync.priority(1));
    });
    run.join_all();
    require(calls[0] == 3 && calls[1] == 1, "an event was lost, or came twice");
    require(stays.stats().delivered == 3 && typed.stats().delivered == 1, "the count is off");
}

/// A type that nobody named is found by all who subscribed before.
void a_type_is_opened_by_several(scheduler& run) {
    forget_the_last_run();
    bus bus;
    base::atomic<int> calls{0};
    const subscription taken = bus.subscribe(topic{"tick"}, [&](const any_event&) { calls.fetch_add(1); });
    for (int p = 0; p < 2; ++p) run.spawn("publisher", [&] { bus.publish(tick{}); });
    run.spawn("subscriber", [&] {
        base::atomic<int> mine{0};
        const subscription more = bus.subscribe(topic{"#"}, [&](const any_event&) { mine.fetch_add(1); });
        bus.publish(tick{});
        require(mine.load() >= 1, "its own event did not come");
    });
    run.join_all();
    require(calls.load() == 3, "an event was lost, or came twice");
}

/// ~bus while topics are published, in a queue as well.
void the_bus_goes(scheduler& run) {
    forget_the_last_run();
    std::optional<thread_pool> pool{std::in_place, 1};
    auto bus = std::make_unique<tidings::bus>(bus_options{.executor = *pool});
    base::atomic<int> living{0};
    base::atomic<bool> over{false};
    auto owned = std::make_shared<capture>(living);
    const subscription queued = bus->subscribe(
        topic{"#"},
        [&, owned](const any_event& e) {
            require(!over.load() && e.get_if<tick>() != nullptr && e.topic() == "a", "after the end, or another event");
        },
        async);
    const subscription plain =
        bus->subscribe(topic{"a"}, [&, owned](const any_event&) { require(!over.load(), "after the end"); });
    owned.reset();
    const auto publisher = run.spawn("publisher", [&] {
        for (int n = 0; n < 2; ++n) bus->publish(tick{}, {.topic = "a"});
    });
    run.join(publisher);
    bus.reset();
    over.store(true);
    require(living.load() == 0, "captures live after the bus");
    pool.reset();  // its thread may have had an event in its hands, to discard
    const subscription_stats s = queued.stats();
    require(s.delivered + s.discarded == 2 && plain.stats().delivered == 2, "the count is off");
}

constexpr std::uint64_t schedules = tidings::simulation::schedules_of(20'000);

}  // namespace

TEST_CASE("simulated: reset() of a pattern is a barrier") { EXPLORE(schedules, reset_is_a_barrier); }
TEST_CASE("simulated: routes are replaced under publishers") {
    EXPLORE(schedules, routes_are_replaced_under_publishers);
}
TEST_CASE("simulated: a type is opened by several at once") { EXPLORE(schedules, a_type_is_opened_by_several); }
TEST_CASE("simulated: a bus goes with its patterns") { EXPLORE(schedules, the_bus_goes); }
