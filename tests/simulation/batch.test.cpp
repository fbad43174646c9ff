// Batches on simulated threads: each event is in one batch, keys keep their order, nobody is left resting, and
// everything ends.
#include "simulation/crew.hpp"
#include "simulation/explore_case.hpp"
#include "simulation/sync.hpp"

#include <tidings/consumer/batch.hpp>
#include <tidings/consumer/consumer.hpp>
#include <tidings/consumer/dead_letters.hpp>
#include <tidings/tidings.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <utility>

namespace {

using namespace tidings;
using namespace std::chrono_literals;
using simulation::crew;
using simulation::require;
using simulation::scheduler;

/// Dies with no lock held.
struct job {
    job(int number, int of_key) noexcept : n{number}, key{of_key} {}
    job(job&&) = default;
    job(const job&) = default;
    job& operator=(const job&) = delete;
    ~job() { require(simulation::this_thread().locks == 0, "an event is destroyed with a lock held"); }

    const int n;
    const int key;
};

bus_options quiet(executor_ref executor) {
    return {.executor = std::move(executor), .on_error = [](const handler_error&) {}};
}

constexpr int of_each_key = 3;

/// What the handler saw, and that it may have seen it.
struct record {
    std::array<base::atomic<int>, 2> next{};
    base::atomic<unsigned> handled{0};

    void take(const batch<job>& of, std::size_t most) {
        require(simulation::this_thread().locks == 0, "user code runs with a lock held");
        require(of.size() != 0 && of.size() <= most, "a batch of the wrong size");
        base::atomic<int>& expected = next.at(static_cast<std::size_t>(of.front().key));
        for (const job& each : of) {
            require(each.key == of.front().key, "a batch of two keys");
            require(expected.load() == each.n, "out of order, or twice");
            expected.store(each.n + 1);
        }
        base::preemption_point();
        handled.fetch_add(static_cast<unsigned>(of.size()));
    }
};

void publish_all(crew& threads, bus& on) {
    for (int key = 0; key < 2; ++key)
        threads.spawn("publisher", [&on, key] {
            for (int n = 0; n < of_each_key; ++n) require(on.publish(job{n, key}).queued == 1, "refused");
        });
}

void require_all(const consumer& desk, const record& seen) {
    const subscription_stats counted = desk.stats().events;
    require(seen.handled.load() == 2 * of_each_key, "lost");
    require(counted.delivered == 2 * of_each_key && counted.queued == 0, "the account does not add up");
}

/// Size, time and flush() at the same moment; drain() waits for what is incomplete.
template <bool fails>
void each_is_in_one_batch(scheduler& run) {
    crew threads{run};
    thread_pool pool{2};
    bus bus{quiet(pool)};
    record seen;
    consumer desk{bus, "desk", {.retry = {.max_attempts = 3, .backoff = fixed(1ms)}}};
    desk.on_batch(
        [&](const batch<job>& of, const context& c) {
            if (fails && c.attempt() == 1) throw std::runtime_error{"no"};
            seen.take(of, 2);
        },
        {.size = 2, .within = 2ms, .held = 3}, async.ordered_by(&job::key).concurrency(2));
    publish_all(threads, bus);
    threads.spawn("flush", [&] {
        for (int n = 0; n < 3; ++n) desk.flush();
    });
    threads.join();
    bus.drain();
    require_all(desk, seen);
}

/// Only size and flush() end a batch: whoever rests has to be woken.
void nobody_is_left_resting(scheduler& run) {
    crew threads{run};
    thread_pool pool{2};
    bus bus{quiet(pool)};
    record seen;
    consumer desk{bus, "desk"};
    desk.on_batch([&](const batch<job>& of) { seen.take(of, of_each_key); },
                  {.size = of_each_key, .within = std::chrono::nanoseconds::max()},
                  async.ordered_by(&job::key).concurrency(2));
    publish_all(threads, bus);
    threads.join();
    bus.drain();
    require_all(desk, seen);
}

void close_loses_nothing(scheduler& run) {
    crew threads{run};
    thread_pool pool{2};
    bus bus{quiet(pool)};
    record seen;
    consumer desk{bus, "desk"};
    desk.on_batch([&](const batch<job>& of) { seen.take(of, of_each_key + 1); },
                  {.size = of_each_key + 1, .within = std::chrono::nanoseconds::max()},
                  async.ordered_by(&job::key).concurrency(2));
    std::array<base::atomic<unsigned>, 2> accepted{};
    for (int key = 0; key < 2; ++key)
        threads.spawn("publisher", [&, key] {
            for (int n = 0; n < of_each_key; ++n) {
                if (bus.publish(job{n, key}).queued != 1) return;
                accepted.at(static_cast<std::size_t>(key)).fetch_add(1);
            }
        });
    threads.spawn("close", [&] { desk.close(); });
    threads.join();
    bus.drain();
    const unsigned all = accepted[0].load() + accepted[1].load();
    require(seen.handled.load() == all && desk.stats().events.delivered == all, "lost");
    require(desk.stats().events.queued == 0, "something is left");
}

/// A flush has all handled that were published before it, wherever they are; what is published meanwhile may have to
/// wait.
void flush_reaches_what_is_not_collected(scheduler& run) {
    crew threads{run};
    thread_pool pool{2};
    bus bus{quiet(pool)};
    record seen;
    consumer desk{bus, "desk"};
    desk.on_batch([&](const batch<job>& of) { seen.take(of, of_each_key + 1); },
                  {.size = of_each_key + 1, .within = std::chrono::nanoseconds::max()},
                  async.ordered_by(&job::key).concurrency(2));
    for (int key = 0; key < 2; ++key)
        threads.spawn("publisher", [&, key] {
            for (int n = 0; n < of_each_key; ++n) require(bus.publish(job{n, key}).queued == 1, "refused");
            desk.flush();
        });
    bus.drain();  // of whatever has come by now
    threads.join();
    bus.drain();
    require_all(desk, seen);
}

/// The same for the only one, which may just be on its way into a batch.
void flush_reaches_what_is_being_collected(scheduler& run) {
    crew threads{run};
    thread_pool pool{1};
    bus bus{quiet(pool)};
    unsigned handled = 0;
    consumer desk{bus, "desk"};
    desk.on_batch([&](const batch<job>& of) { handled += static_cast<unsigned>(of.size()); },
                  {.size = 2, .within = std::chrono::nanoseconds::max()});
    threads.spawn("publisher", [&] {
        require(bus.publish(job{0, 0}).queued == 1, "refused");
        desk.flush();
    });
    threads.join();
    bus.drain();
    require(handled == 1, "lost");
}

/// Who publishes while a handler is being added has it handled, or has not reached it.
void nothing_is_lost_while_it_is_added(scheduler& run) {
    crew threads{run};
    thread_pool pool{2};
    bus bus{quiet(pool)};
    base::atomic<unsigned> handled{0};
    base::atomic<unsigned> accepted{0};
    consumer desk{bus, "desk"};
    threads.spawn("publisher", [&] {
        for (int n = 0; n < of_each_key; ++n) accepted.fetch_add(bus.publish(job{n, 0}).queued);
    });
    desk.on_batch([&](const batch<job>& of) { handled.fetch_add(static_cast<unsigned>(of.size())); }, {.size = 2},
                  async.ordered_by(&job::key));
    threads.join();
    desk.close();
    bus.drain();
    require(handled.load() == accepted.load(), "accepted, and not handled");
    require(desk.stats().events.discarded == 0, "discarded");
}

/// A batch that is given up and sent again before its handler has returned is counted for both.
void a_letter_is_sent_again_at_once(scheduler& run) {
    crew threads{run};
    thread_pool pool{2};
    bus bus{quiet(pool)};
    dead_letters dead;
    base::atomic<unsigned> calls{0};
    consumer desk{bus, "desk", {.retry = {.max_attempts = 1}, .dead_letters = dead}};
    desk.on_batch(
        [&](const batch<job>&) {
            if (calls.fetch_add(1) == 0) throw std::runtime_error{"no"};
        },
        {.size = 2}, async.ordered_by(&job::key).concurrency(2));
    threads.spawn("publisher", [&] {
        for (int n = 0; n < 2; ++n) require(bus.publish(job{n, 0}).queued == 1, "refused");
    });
    threads.spawn("mender", [&] {
        for (int tries = 0; tries < 30 && dead.redrive_all() == 0; ++tries) base::preemption_point();
    });
    threads.join();
    bus.drain();
    dead.redrive_all();  // where it came later
    bus.drain();
    const subscription_stats counted = desk.stats().events;
    require(dead.empty() && calls.load() == 2, "it did not come again");
    require(counted.failed == 2 && counted.delivered == 2 && counted.queued == 0 && counted.discarded == 0,
            "the account does not add up");
}

/// The end of the consumer while events are collected, batches rest and are handled.
void the_end_is_counted(scheduler& run) {
    crew threads{run};
    thread_pool pool{2};
    bus bus{quiet(pool)};
    record seen;
    consumer desk{bus, "desk"};
    desk.on_batch([&](const batch<job>& of) { seen.take(of, 2); }, {.size = 2, .within = 1ms},
                  async.ordered_by(&job::key).concurrency(2));
    base::atomic<unsigned> accepted{0};
    for (int key = 0; key < 2; ++key)
        threads.spawn("publisher", [&, key] {
            for (int n = 0; n < of_each_key; ++n) accepted.fetch_add(bus.publish(job{n, key}).queued);
        });
    threads.spawn("end", [&] { desk.reset(); });
    threads.join();
    bus.drain();
    const subscription_stats counted = desk.stats().events;
    require(counted.delivered == seen.handled.load(), "handled, and not counted");
    require(counted.queued == 0 && counted.delivered + counted.discarded == accepted.load(), "not counted");
}

constexpr std::uint64_t schedules = tidings::simulation::schedules_of(30'000);

}  // namespace

TEST_CASE("simulated: each event is in one batch") { EXPLORE(schedules, each_is_in_one_batch<false>); }
TEST_CASE("simulated: a batch that is tried again holds up its key, and nobody is lost") {
    EXPLORE(schedules, each_is_in_one_batch<true>);
}
TEST_CASE("simulated: whoever rests is woken") { EXPLORE(schedules, nobody_is_left_resting); }
TEST_CASE("simulated: close() has all handled that were accepted") { EXPLORE(schedules, close_loses_nothing); }
TEST_CASE("simulated: the end of a consumer of batches is counted") { EXPLORE(schedules, the_end_is_counted); }
TEST_CASE("simulated: flush() reaches what is not collected yet") {
    EXPLORE(schedules, flush_reaches_what_is_not_collected);
}
TEST_CASE("simulated: flush() reaches what is being collected") {
    EXPLORE(schedules, flush_reaches_what_is_being_collected);
}
TEST_CASE("simulated: no event is lost while a handler of batches is added") {
    EXPLORE(schedules, nothing_is_lost_while_it_is_added);
}
TEST_CASE("simulated: a letter of a batch may be sent again at once") {
    EXPLORE(schedules, a_letter_is_sent_again_at_once);
}
