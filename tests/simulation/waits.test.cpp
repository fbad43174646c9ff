// Who waits for whom, on simulated threads: loops, drains and executors that end. Everybody comes back.
#include "simulation/explore_case.hpp"
#include "simulation/sync.hpp"

#include <tidings/tidings.hpp>

#include <cstdint>
#include <memory>
#include <mutex>

namespace {

using namespace tidings;
using simulation::require;
using simulation::scheduler;

struct tick {};
struct tock {};
struct over {};

constexpr auto told = [](const handler_error&) {};

/// Two handlers on a pool, each of which fills a queue of a loop; the loop's thread, in no task, resets one, publishes
/// to the other's full queue, or drains.
enum class step { reset, publish, drain };
template <step does>
void a_loop_waits_for_who_waits_for_it(scheduler& run) {
    thread_pool pool{1};
    manual_executor loop;
    bus bus{{.executor = pool, .on_error = told}};
    const subscription taken = bus.subscribe([](const tock&) {}, async.capacity(1).on(loop));
    subscription feeder = bus.subscribe(
        [&](const tick&) {
            for (int n = 1; n <= 3; ++n) bus.publish(tock{});
        },
        async.capacity(1));
    bus.publish(tick{});
    for (std::uint64_t n = run.random(3); n != 0; --n) base::yield();
    if constexpr (does == step::reset) feeder.reset();
    else if constexpr (does == step::publish)
        for (int n = 1; n <= 3; ++n) bus.publish(tick{});
    else bus.drain();
    bus.drain();
    require(taken.stats().queued == 0 && feeder.stats().queued == 0, "something is still queued");
    if constexpr (does == step::reset) require(feeder.reset() == reset_result::ended, "not ended");
}

/// As many tasks drain as the pool has threads, and there is something to drain.
template <unsigned width>
void a_pool_drains_itself(scheduler&) {
    int handled = 0;
    int refused = 0;
    base::mutex mutex;
    {
        thread_pool pool{width};
        bus bus{{.executor = pool, .on_error = told}};
        const subscription taken = bus.subscribe(
            [&](const tick&) {
                const std::lock_guard lock{mutex};
                ++handled;
            },
            async);
        const auto drains = [&] {
            bus.publish(tick{});
            try {
                bus.drain();
            } catch (const error& e) {
                require(e.code() == errc::would_deadlock, "another error");
                const std::lock_guard lock{mutex};
                ++refused;
            }
        };
        for (unsigned n = 0; n < width; ++n) pool.post(task{drains});
        bool all = false;
        while (!all) {
            base::yield();
            bus.drain();
            const std::lock_guard lock{mutex};
            all = handled == static_cast<int>(width);
        }
    }
    require(refused <= static_cast<int>(width), "told more than once");
    if (width == 1) require(refused == 1, "one that cannot go on is not told");
}

/// A handler destroys a pool, one of whose tasks drains the bus.
void a_handler_destroys_a_pool_that_drains(scheduler& run) {
    base::atomic<bool> task_is_gone{false};  // run or discarded, maybe on a thread that nobody waits for
    const auto gone = [&](void*) { task_is_gone.store(true); };
    thread_pool pool{1};
    auto doomed = std::make_unique<thread_pool>(1);
    bus bus{{.executor = pool, .on_error = told}};
    const subscription destroyer = bus.subscribe([&](const over&) { doomed.reset(); }, async);
    doomed->post(task{[&bus, kept = std::unique_ptr<void, decltype(gone)>{&bus, gone}] {
        try {
            bus.drain();
        } catch (const error& e) {
            require(e.code() == errc::would_deadlock, "another error");
        }
    }});
    const auto publisher = run.spawn("publisher", [&] { bus.publish(over{}); });
    run.join(publisher);
    bus.drain();
    require(doomed == nullptr, "not destroyed");
    while (!task_is_gone.load()) base::yield();
}

/// Two loops on two threads, each of which has a task that destroys the other one.
void loops_destroy_each_other(scheduler& run) {
    auto one = std::make_unique<manual_executor>();
    auto other = std::make_unique<manual_executor>();
    const auto port_one = one->port();
    const auto port_other = other->port();
    one->post(task{[&] { other.reset(); }});
    other->post(task{[&] { one.reset(); }});
    const auto run_all = [](detail::executor_port& port) { static_cast<detail::manual_queue&>(port).run_one(); };
    const auto first = run.spawn("one", [&] { run_all(*port_one); });
    const auto second = run.spawn("other", [&] { run_all(*port_other); });
    run.join(first);
    run.join(second);
    require(one == nullptr || other == nullptr, "neither was destroyed");
}

/// A task of the shared pool that nobody but the pool knows, and a handler on it, wait for each other.
void shared_tasks_are_tasks_of_the_pool(scheduler& run) {
    thread_pool pool{1};
    bus bus{{.on_error = told}};
    const unsigned width = shared_executor().port()->width();
    subscription feeder;
    const subscription taken = bus.subscribe([](const tock&) {}, async.capacity(1));
    feeder = bus.subscribe(
        [&](const tick&) {
            for (int n = 1; n <= 3; ++n) bus.publish(tock{});
        },
        async.on(pool));
    base::atomic<unsigned> came_back{0};
    for (unsigned n = 0; n < width; ++n)
        shared_executor().post(task{[&] {
            feeder.reset();
            came_back.fetch_add(1);
        }});
    const auto publisher = run.spawn("publisher", [&] { bus.publish(tick{}); });
    run.join(publisher);
    while (came_back.load() != width) base::yield();
    bus.drain();
    require(feeder.reset() == reset_result::ended, "not ended");
    require(taken.stats().queued == 0, "something is still queued");
}

constexpr std::uint64_t schedules = tidings::simulation::schedules_of(25'000);

}  // namespace

TEST_CASE("simulated: the thread of a loop resets who waits for the loop") {
    EXPLORE(schedules, a_loop_waits_for_who_waits_for_it<step::reset>);
}
TEST_CASE("simulated: the thread of a loop publishes to who waits for the loop") {
    EXPLORE(schedules, a_loop_waits_for_who_waits_for_it<step::publish>);
}
TEST_CASE("simulated: the thread of a loop drains who waits for the loop") {
    EXPLORE(schedules, a_loop_waits_for_who_waits_for_it<step::drain>);
}
TEST_CASE("simulated: a pool of one drains itself") { EXPLORE(schedules, a_pool_drains_itself<1>); }
TEST_CASE("simulated: a pool of two drains itself") { EXPLORE(schedules, a_pool_drains_itself<2>); }
TEST_CASE("simulated: a handler destroys a pool that drains") {
    EXPLORE(schedules, a_handler_destroys_a_pool_that_drains);
}
TEST_CASE("simulated: loops destroy each other") { EXPLORE(schedules, loops_destroy_each_other); }
TEST_CASE("simulated: tasks of the shared pool are tasks of the pool") {
    EXPLORE(schedules, shared_tasks_are_tasks_of_the_pool);
}
