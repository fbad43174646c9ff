// Consumers on simulated threads: each message has one end, keys keep their order, letters are lost by nobody, nobody
// is left waiting at the gate, and everything ends.
#include "simulation/crew.hpp"
#include "simulation/explore_case.hpp"
#include "simulation/sync.hpp"

#include <tidings/consumer/consumer.hpp>
#include <tidings/consumer/dead_letters.hpp>
#include <tidings/tidings.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

namespace {

using namespace tidings;
using namespace std::chrono_literals;
using simulation::crew;
using simulation::require;
using simulation::scheduler;

/// Knows how many of it there are, and dies with no lock held.
class job {
public:
    job(base::atomic<int>& living, int number, int of_key = 0) noexcept : n{number}, key{of_key}, living_{&living} {
        living_->fetch_add(1);
    }
    job(const job& other) noexcept : n{other.n}, key{other.key}, living_{other.living_} { living_->fetch_add(1); }
    job& operator=(const job&) = delete;
    ~job() {
        require(simulation::this_thread().locks == 0, "an event is destroyed with a lock held");
        living_->fetch_sub(1);
    }

    const int n;
    const int key;

private:
    base::atomic<int>* living_;
};
struct other {
    int n = 0;
};

void unlocked() { require(simulation::this_thread().locks == 0, "user code runs with a lock held"); }

bus_options quiet(executor_ref executor) {
    return {.executor = std::move(executor), .on_error = [](const handler_error&) { unlocked(); }};
}

[[noreturn]] void fail() { throw std::runtime_error{"no"}; }

/// How often each was tried and handled.
struct calls {
    std::array<base::atomic<unsigned>, 8> tried{};
    std::array<base::atomic<unsigned>, 8> handled{};
    base::atomic<unsigned> all_handled{0};

    unsigned begin(int n) {
        unlocked();
        return tried.at(static_cast<std::size_t>(n)).fetch_add(1) + 1;
    }
    void end(int n) {
        require(handled.at(static_cast<std::size_t>(n)).fetch_add(1) == 0, "handled twice");
        all_handled.fetch_add(1);
    }
};

void require_ended(const consumer_stats& s, std::uint64_t accepted) {
    require(s.events.queued == 0, "something is still queued");
    require(s.events.accepted() == accepted, "the account does not add up");
    require(s.events.failed == s.dead_lettered + s.given_up, "a failure that is no letter, and was not given up");
}

// --- Retries and letters -------------------------------------------------------------------------------------------

/// Two publishers and two workers: what fails for good is a letter, the rest is handled, and keys keep their order.
template <bool careful>
void each_has_one_end(scheduler& run) {
    crew threads{run};
    base::atomic<int> living{0};
    {
        thread_pool pool{2};
        bus bus{quiet(pool)};
        dead_letters dead;
        calls seen;
        std::array<int, 2> last{-1, -1};
        consumer_options options{.retry = {.max_attempts = 2, .backoff = fixed(1ms)}, .dead_letters = dead};
        if (careful) options.concurrency = 2;
        consumer desk{bus, "desk", options};
        desk.on(
            [&](const job& j) {
                require(seen.begin(j.n) <= 2, "too often");
                int& before = last.at(static_cast<std::size_t>(j.key));
                require(j.n >= before, "overtaken");
                before = j.n;
                base::preemption_point();
                if (j.n % 3 == 2 || (j.n % 3 == 1 && seen.tried.at(static_cast<std::size_t>(j.n)).load() == 1)) fail();
                seen.end(j.n);
            },
            async.ordered_by(&job::key).concurrency(2));
        for (int key = 0; key < 2; ++key)
            threads.spawn("publisher", [&, key] {
                for (int n = 0; n < 3; ++n) require(bus.publish(job{living, 3 * key + n, key}).queued == 1, "refused");
            });
        threads.join();
        bus.drain();
        require(seen.all_handled.load() == 4 && dead.size() == 2, "lost");
        require(desk.stats().retried == 4, "retries are off");
        require_ended(desk.stats(), 6);
        for (const dead_letter& each : dead.list()) require(each.attempts == 2, "attempts are off");
    }
    require(living.load() == 0, "an event leaks");
}

/// Letters are sent again, discarded and looked at by several, while their events fail again: each is in one place.
void letters_are_fought_over(scheduler& run) {
    crew threads{run};
    base::atomic<int> living{0};
    {
        thread_pool pool{2};
        bus bus{quiet(pool)};
        dead_letters dead{{.capacity = 2}};
        consumer desk{bus, "desk", {.retry = {.max_attempts = 1}, .dead_letters = dead}};
        base::atomic<unsigned> tried{0};
        base::atomic<bool> works{false};
        base::atomic<unsigned> handled{0};
        desk.on([&](const job&) {
            tried.fetch_add(1);
            unlocked();
            if (!works.load()) fail();
            handled.fetch_add(1);
        });
        bus.publish(job{living, 0});
        bus.drain();
        base::atomic<std::uint64_t> sent{0};
        base::atomic<std::uint64_t> gone{0};
        const auto letter = dead.list().front().id;
        for (int p = 0; p < 2; ++p)
            threads.spawn("sender", [&] {
                if (dead.redrive(letter)) sent.fetch_add(1);
                sent.fetch_add(dead.redrive_all());
            });
        threads.spawn("discarder", [&] { gone.fetch_add(dead.discard_all()); });
        threads.spawn("publisher", [&] { bus.publish(job{living, 1}); });
        threads.join();
        bus.drain();
        const auto stats = dead.stats();
        require(stats.redriven == sent.load() && stats.discarded == gone.load(), "not counted");
        require(stats.kept == stats.redriven + stats.discarded + stats.size, "the letters do not add up");
        require_ended(desk.stats(), 2 + sent.load());
        require(tried.load() == 2 + sent.load(), "lost, or twice");
        works.store(true);
        sent.fetch_add(dead.redrive_all());
        bus.drain();
        require(dead.empty() && handled.load() == 2 - gone.load(), "lost");
    }
    require(living.load() == 0, "an event leaks");
}

/// A letter is sent again as soon as it is there, by somebody quick: it keeps its history, and is no duplicate.
void a_letter_is_sent_again_at_once(scheduler& run) {
    crew threads{run};
    base::atomic<int> living{0};
    {
        thread_pool pool{1};
        bus bus{quiet(pool)};
        dead_letters dead;
        consumer desk{
            bus,
            "desk",
            {.retry = {.max_attempts = 1}, .dead_letters = dead, .guarantee = delivery_guarantee::effectively_once}};
        base::atomic<unsigned> tried{0};
        desk.on([&](const job&) {
            tried.fetch_add(1);
            fail();
        });
        threads.spawn("publisher", [&] { bus.publish(job{living, 0}); });
        threads.spawn("sender", [&] {
            for (unsigned sent = 0; sent != 2;) {
                sent += static_cast<unsigned>(dead.redrive_all());
                base::yield();
            }
        });
        threads.join();
        bus.drain();
        require(desk.stats().duplicates == 0, "it counts as its own duplicate");
        require(tried.load() == 3 && dead.size() == 1, "lost");
        require(dead.list().front().history.size() == 2, "its history is lost");
        require_ended(desk.stats(), 3);
    }
    require(living.load() == 0, "an event leaks");
}

/// A store that is full, and emptied meanwhile: who was refused waits, and is kept in the end.
void a_full_store_loses_nothing(scheduler& run) {
    crew threads{run};
    base::atomic<int> living{0};
    {
        thread_pool pool{2};
        bus bus{quiet(pool)};
        dead_letters dead{{.capacity = 1}};
        calls seen;
        consumer desk{bus, "desk", {.retry = {.max_attempts = 1, .backoff = fixed(1ms)}, .dead_letters = dead}};
        desk.on(
            [&](const job& j) {
                require(seen.begin(j.n) == 1, "tried again");
                fail();
            },
            async.concurrency(2));
        for (int p = 0; p < 3; ++p) threads.spawn("publisher", [&, p] { bus.publish(job{living, p}); });
        std::size_t gone = 0;
        threads.spawn("clerk", [&] {
            while (gone != 2) {
                gone += dead.discard_all();
                run.sleep_for(40ms);
            }
        });
        threads.join();
        bus.drain();
        require(dead.size() == 1, "lost");
        require(desk.stats().dead_lettered == 3, "not counted");
        require_ended(desk.stats(), 3);
    }
    require(living.load() == 0, "an event leaks");
}

/// Behind a dead event its key is parked; somebody sends it all again while more comes: the order is kept.
void parked_keys_keep_their_order(scheduler& run) {
    crew threads{run};
    base::atomic<int> living{0};
    {
        thread_pool pool{2};
        bus bus{quiet(pool)};
        dead_letters dead;
        consumer desk{
            bus, "desk", {.retry = {.max_attempts = 1}, .dead_letters = dead, .later_events = behind_dead::park}};
        base::atomic<unsigned> failures{2};
        int last = -1;
        desk.on(
            [&](const job& j) {
                if (j.n == 0 && failures.load() != 0) {
                    failures.fetch_sub(1);
                    fail();
                }
                require(j.n == last + 1, "overtaken, lost or twice");
                last = j.n;
            },
            async.ordered_by(&job::key).concurrency(2));
        threads.spawn("publisher", [&] {
            for (int n = 0; n < 3; ++n) bus.publish(job{living, n});
        });
        threads.spawn("clerk", [&] {
            for (int n = 0; n < 3; ++n) {
                dead.redrive_all();
                base::yield();
            }
        });
        threads.join();
        for (int n = 0; bus.drain(), last != 2; ++n) {
            require(n < 10, "they never get through");
            dead.redrive_all();
        }
        require(dead.empty(), "something is left");
        require(desk.stats().events.queued == 0, "something is queued");
    }
    require(living.load() == 0, "an event leaks");
}

/// Two publishers bring the same ids, on two keys: each takes effect once.
void duplicates_are_left_out(scheduler& run) {
    crew threads{run};
    thread_pool pool{2};
    bus bus{quiet(pool)};
    calls seen;
    consumer desk{
        bus,
        "desk",
        {.retry = {.max_attempts = 3, .backoff = fixed(1ms)}, .guarantee = delivery_guarantee::effectively_once}};
    desk.on(
        [&](const other& e) {
            if (seen.begin(e.n) == 1) fail();
            seen.end(e.n);
        },
        async.concurrency(2));
    for (int p = 0; p < 2; ++p)
        threads.spawn("publisher", [&] {
            for (int n = 0; n < 2; ++n) bus.publish(other{n}, {.id = {1, static_cast<std::uint64_t>(n) + 1}});
        });
    threads.join();
    bus.drain();
    require(seen.all_handled.load() == 2, "lost");
    require(desk.stats().duplicates == 2, "not counted");
    require_ended(desk.stats(), 4);
}

// --- The gate ------------------------------------------------------------------------------------------------------

/// Two handlers share places; who is refused is let in when one is given back.
template <unsigned places>
void places_are_given_back(scheduler& run) {
    crew threads{run};
    thread_pool pool{2};
    bus bus{quiet(pool)};
    consumer_options options{.retry = {.max_attempts = 2, .backoff = fixed(1ms)}, .concurrency = places};
    consumer desk{bus, "desk", options};
    base::atomic<unsigned> inside{0};
    base::atomic<unsigned> handled{0};
    const auto handle = [&](int n) {
        require(inside.fetch_add(1) < places, "more inside than places");
        base::preemption_point();
        const bool fails = n == 0 && run.random(2) == 0;
        inside.fetch_sub(1);
        if (fails) fail();
        handled.fetch_add(1);
    };
    desk.on([&](const other& e) { handle(e.n); }, async.prefetch(2));
    desk.on([&](const other& e) { handle(e.n + 1); }, async.concurrency(2));
    for (int p = 0; p < 2; ++p)
        threads.spawn("publisher", [&] {
            for (int n = 0; n < 2; ++n) bus.publish(other{n});
        });
    threads.join();
    bus.drain();
    require_ended(desk.stats(), 8);
    require(handled.load() == desk.stats().events.delivered, "deliveries are off");
}

/// A breaker opens, probes and closes on several threads: in the end all is handled, and no more probes than were said.
template <unsigned probes>
void a_breaker_closes_again(scheduler& run) {
    crew threads{run};
    thread_pool pool{2};
    bus bus{quiet(pool)};
    consumer_options options{
        .retry = {.max_attempts = 20, .backoff = fixed(1ms)},
        .circuit_breaker = circuit_breaker_options{.failures = 2, .open_for = 5ms, .probes = probes}};
    if (run.random(2) == 0) options.concurrency = 1;
    consumer desk{bus, "desk", options};
    base::atomic<int> failures{4};
    base::atomic<unsigned> handled{0};
    base::atomic<unsigned> inside{0};
    const auto handle = [&](const other&) {
        const bool probe = desk.breaker() == breaker_state::half_open;
        const unsigned before = inside.fetch_add(1);
        require(!probe || before <= probes, "more probes than were said");
        base::preemption_point();
        inside.fetch_sub(1);
        if (failures.fetch_sub(1) > 0) fail();
        handled.fetch_add(1);
    };
    desk.on(handle, async.concurrency(2));
    desk.on(handle);
    for (int p = 0; p < 2; ++p)
        threads.spawn("publisher", [&] {
            for (int n = 0; n < 2; ++n) bus.publish(other{n});
        });
    threads.join();
    bus.drain();
    require(handled.load() == 8, "lost");
    const auto stats = desk.stats();
    require_ended(stats, 8);
    require(stats.breaker_openings >= 1 && stats.retried == 4, "it did not open, or attempts were spent");
}

/// Events come no sooner than the limit says, from two queues; and all come.
void a_rate_is_kept(scheduler& run) {
    crew threads{run};
    thread_pool pool{2};
    bus bus{quiet(pool)};
    consumer desk{bus, "desk", {.rate_limit = rate_limit{.events = 1, .per = 1ms}}};
    base::atomic<unsigned> handled{0};
    const auto begin = base::steady_clock::now();
    const auto handle = [&](const other&) {
        const auto n = handled.fetch_add(1);
        require(base::steady_clock::now() - begin >= (n >= 2 ? 1ms : 0ms), "too soon");
    };
    desk.on(handle, async.concurrency(2));
    desk.on(handle);
    for (int p = 0; p < 2; ++p) threads.spawn("publisher", [&] { bus.publish(other{}); });
    threads.join();
    bus.drain();
    require(handled.load() == 4, "lost");
    require(base::steady_clock::now() - begin >= 3ms, "too soon");
}

/// Time runs out at the moment when the handler returns: its stop callback runs before, or not at all.
void time_runs_out_at_the_end(scheduler& run) {
    crew threads{run};
    thread_pool pool{2};
    bus bus{quiet(pool)};
    consumer desk{bus, "desk", {.retry = {.max_attempts = 1}, .time_limit = 1ms}};
    base::atomic<unsigned> handled{0};
    desk.on(
        [&](const other&, const context& c) {
            bool inside =
                true;  // what the standard's tokens wait with is none of the simulation's: no point in between
            {
                const std::stop_callback stops{c.stop_token(), [&] {
                                                   unlocked();
                                                   require(inside, "a callback after its end");
                                               }};
                if (run.random(2) == 0) run.sleep_for(1ms);
            }
            inside = false;
            handled.fetch_add(1);
        },
        async.concurrency(2));
    for (int p = 0; p < 2; ++p) threads.spawn("publisher", [&] { bus.publish(other{}); });
    threads.join();
    bus.drain();
    require(handled.load() == 2, "lost");
    require_ended(desk.stats(), 2);
}

// --- The end -------------------------------------------------------------------------------------------------------

/// A handler destroys its consumer, others publish and send letters of it again.
void a_handler_destroys_its_consumer(scheduler& run) {
    crew threads{run};
    base::atomic<int> living{0};
    {
        thread_pool pool{2};
        bus bus{quiet(pool)};
        dead_letters dead;
        consumer_options options{.retry = {.max_attempts = 1}, .dead_letters = dead};
        if (run.random(2) == 0) options.concurrency = 1;
        auto desk = std::make_unique<consumer>(bus, "desk", options);
        base::atomic<bool> destroyed{false};
        base::atomic<bool> alive{true};  // others of its handlers may be about to begin when one destroys it
        desk->on(
            [&](const job& j) {
                unlocked();
                require(alive.load(), "a handler runs after all has ended");
                if (j.n == 1) {
                    desk.reset();
                    destroyed.store(true);
                }
                fail();
            },
            async.concurrency(run.random(2) == 0 ? 1U : 2U));
        bus.publish(job{living, 0});
        bus.drain();
        threads.spawn("publisher", [&] {
            bus.publish(job{living, 1});
            bus.publish(job{living, 2});
        });
        threads.spawn("sender", [&] { dead.redrive_all(); });
        threads.join();
        bus.drain();
        require(destroyed.load(), "it was not");
        alive.store(false);
        require(bus.stats().queued == 0, "something is still queued");
        const auto s = bus.stats();
        require(s.failed + s.discarded == s.accepted(), "the account does not add up");
        require(dead.redrive_all() == 0, "sent to nobody");
    }
    require(living.load() == 0, "an event leaks");
}

/// reset() at any moment: no handler afterwards; and letters stay.
void reset_meets_letters_and_rests(scheduler& run) {
    crew threads{run};
    base::atomic<int> living{0};
    {
        thread_pool pool{2};
        bus bus{quiet(pool)};
        dead_letters dead;
        base::atomic<bool> ended{false};
        consumer desk{bus,
                      "desk",
                      {.retry = {.max_attempts = 2, .backoff = fixed(1ms)},
                       .dead_letters = dead,
                       .later_events = behind_dead::park,
                       .circuit_breaker = circuit_breaker_options{.failures = 3, .open_for = 1ms}}};
        desk.on(
            [&](const job&) {
                require(!ended.load(), "a handler runs after reset");
                base::preemption_point();
                fail();
            },
            async.ordered_by(&job::key));
        threads.spawn("publisher", [&] {
            for (int n = 0; n < 3; ++n) bus.publish(job{living, n, n % 2});
        });
        threads.spawn("sender", [&] {
            run.sleep_for(2ms);
            dead.redrive_all();
        });
        threads.spawn("owner", [&] {
            run.sleep_for(std::chrono::milliseconds{run.random(3)});
            desk.reset();
            ended.store(true);
        });
        threads.join();
        bus.drain();
        const auto stats = desk.stats();
        require(stats.events.queued == 0, "something is still queued");
        require(stats.events.failed == stats.dead_lettered, "a failure that is no letter");
        require(dead.stats().kept == stats.dead_lettered, "letters are off");
    }
    require(living.load() == 0, "an event leaks");
}

/// Consumer, bus, pool and letters go on four threads.
void everything_ends_at_once(scheduler& run) {
    crew threads{run};
    base::atomic<int> living{0};
    {
        auto pool = std::make_unique<thread_pool>(2U);
        auto bus = std::make_unique<tidings::bus>(quiet(*pool));
        auto dead = std::make_unique<dead_letters>();
        auto desk = std::make_unique<consumer>(
            *bus, "desk",
            consumer_options{.retry = {.max_attempts = 2, .backoff = fixed(1ms)},
                             .dead_letters = *dead,
                             .time_limit = 1ms,
                             .circuit_breaker = circuit_breaker_options{.failures = 2, .open_for = 1ms}});
        desk->on([](const job&) { fail(); }, async.ordered_by(&job::key).concurrency(2));
        for (int n = 0; n < 3; ++n) bus->publish(job{living, n, n % 2});
        threads.spawn("consumer", [&] { desk.reset(); });
        threads.spawn("pool", [&] { pool.reset(); });
        threads.spawn("letters", [&] {
            dead->redrive_all();
            dead.reset();
        });
        threads.join();
        bus.reset();
    }
    require(living.load() == 0, "an event leaks");
}

constexpr std::uint64_t schedules = tidings::simulation::schedules_of(10'000);

}  // namespace

TEST_CASE("simulated: each message has one end") { EXPLORE(schedules, each_has_one_end<false>); }
TEST_CASE("simulated: each message has one end behind a gate") { EXPLORE(schedules, each_has_one_end<true>); }
TEST_CASE("simulated: letters are fought over") { EXPLORE(schedules, letters_are_fought_over); }
TEST_CASE("simulated: a letter is sent again at once") { EXPLORE(schedules, a_letter_is_sent_again_at_once); }
TEST_CASE("simulated: a full store loses nothing") { EXPLORE(schedules, a_full_store_loses_nothing); }
TEST_CASE("simulated: parked keys keep their order") { EXPLORE(schedules, parked_keys_keep_their_order); }
TEST_CASE("simulated: duplicates are left out") { EXPLORE(schedules, duplicates_are_left_out); }
TEST_CASE("simulated: one place is given back") { EXPLORE(schedules, places_are_given_back<1>); }
TEST_CASE("simulated: places are given back") { EXPLORE(schedules, places_are_given_back<2>); }
TEST_CASE("simulated: a breaker closes again") { EXPLORE(schedules, a_breaker_closes_again<1>); }
TEST_CASE("simulated: a breaker with probes closes again") { EXPLORE(schedules, a_breaker_closes_again<2>); }
TEST_CASE("simulated: a rate is kept") { EXPLORE(schedules, a_rate_is_kept); }
TEST_CASE("simulated: time runs out at the end") { EXPLORE(schedules, time_runs_out_at_the_end); }
TEST_CASE("simulated: a handler destroys its consumer") { EXPLORE(schedules, a_handler_destroys_its_consumer); }
TEST_CASE("simulated: reset meets letters and rests") { EXPLORE(schedules, reset_meets_letters_and_rests); }
TEST_CASE("simulated: a consumer and all else ends at once") { EXPLORE(schedules, everything_ends_at_once); }
