// A work queue on simulated threads: each message has one end, whoever competes for it, and everybody comes back.
#include "simulation/crew.hpp"
#include "simulation/explore_case.hpp"
#include "simulation/sync.hpp"

#include <tidings/executor/thread_pool.hpp>
#include <tidings/queue/work_queue.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace tidings;
using namespace std::chrono_literals;
using simulation::crew;
using simulation::require;
using simulation::scheduler;

/// What became of the messages, by those who settled them: each has one end at most.
class ends {
public:
    void note(int message) {
        require(ended_.at(static_cast<std::size_t>(message)).exchange(1) == 0, "a message has two ends");
        count_.fetch_add(1);
    }
    std::uint64_t count() const { return count_.load(); }

private:
    std::array<base::atomic<int>, 16> ended_{};
    base::atomic<std::uint64_t> count_{0};
};

/// Says that it dies with no lock held, and how many there are.
class job {
public:
    job(base::atomic<int>& living, int n) noexcept : living_{&living}, n_{n} { living_->fetch_add(1); }
    job(job&& other) noexcept : living_{other.living_}, n_{other.n_} {
        require(simulation::this_thread().locks == 0, "a message is moved with a lock held");
        living_->fetch_add(1);
    }
    ~job() {
        require(simulation::this_thread().locks == 0, "a message is destroyed with a lock held");
        living_->fetch_sub(1);
    }
    job& operator=(job&&) = delete;
    int number() const noexcept { return n_; }

private:
    base::atomic<int>* living_;
    int n_;
};

void require_account(const work_queue_stats& s, const ends& seen) {
    require(s.accounted() == s.pushed, "the account does not add up");
    require(s.acked + s.dead == seen.count(), "an end was counted that nobody saw, or not counted");
}

// --- Receivers -----------------------------------------------------------------------------------------------------

/// Two receivers compete for what two pushers bring through a queue of one: each message is settled once.
template <std::size_t capacity>
void receivers_compete(scheduler& run) {
    crew pushers{run};
    crew receivers{run};
    base::atomic<int> living{0};
    {
        work_queue<job> jobs{{.capacity = capacity, .max_attempts = 3}};
        ends seen;
        for (int p = 0; p < 2; ++p)
            pushers.spawn("pusher", [&, p] {
                for (int n = 0; n < 2; ++n)
                    require(jobs.push(job{living, 2 * p + n}) == push_result::queued, "not queued");
            });
        for (int r = 0; r < 2; ++r)
            receivers.spawn("receiver", [&, r] {
                while (auto taken = jobs.receive()) {
                    const int n = taken->value().number();
                    if (r == 0 && taken->attempt() == 1) {
                        require(taken->nack(), "a lease is lost");
                    } else {
                        require(taken->ack(), "a lease is lost");
                        seen.note(n);
                    }
                    if (seen.count() == 4) jobs.close();
                }
            });
        pushers.join();
        receivers.join();
        require(jobs.stats().acked == 4, "lost");
        require_account(jobs.stats(), seen);
    }
    require(living.load() == 0, "a message leaks");
}

/// A lease runs out while its owner acknowledges, or extends, and another takes over: one of the two is told the truth.
void a_lease_is_taken_over(scheduler& run) {
    crew threads{run};
    base::atomic<int> living{0};
    {
        work_queue<job> jobs{{.lease = 1ms, .max_attempts = 2}};
        ends seen;
        jobs.push(job{living, 0});
        auto slow = jobs.receive();
        const bool extends = run.random(2) == 0;
        threads.spawn("owner", [&] {
            run.sleep_for(1ms);
            if (extends) slow->extend(1ms);
            if (slow->ack()) seen.note(0);
            require(slow->value().number() == 0, "the value is gone");
            slow.reset();
        });
        threads.spawn("other", [&] {
            auto taken = jobs.receive_for(1ms);
            if (!taken) return;
            require(taken->attempt() == 2, "no attempt was counted");
            if (taken->ack()) seen.note(0);
        });
        threads.join();
        if (seen.count() == 0) {  // both were too late
            auto last = jobs.try_receive();
            if (last) {
                require(last->ack(), "a lease is lost");
                seen.note(0);
            } else {
                require(jobs.stats().dead == 1, "lost");
                seen.note(0);
            }
        }
        require(seen.count() == 1, "no end");
        require_account(jobs.stats(), seen);
    }
    require(living.load() == 0, "a message leaks");
}

/// Whoever waits for a delayed message gets it, and not before its time; a second that comes later may be due sooner.
void delays_wake_receivers(scheduler& run) {
    crew threads{run};
    work_queue<int> jobs;
    const auto begin = base::steady_clock::now();
    threads.spawn("receiver", [&] {
        for (int n = 0; n < 2; ++n) {
            auto taken = jobs.receive();
            require(taken.has_value(), "the end, and nobody closed");
            require(base::steady_clock::now() - begin >= std::chrono::milliseconds{taken->value()}, "early");
            taken->ack();
        }
    });
    threads.spawn("pusher", [&] { jobs.push(20, {.delay = 20ms}); });
    threads.spawn("pusher", [&] { jobs.push(10, {.delay = 10ms}); });
    threads.join();
    require(jobs.stats().acked == 2, "lost");
    require(base::steady_clock::now() - begin < 1s, "late");
}

// --- The end -------------------------------------------------------------------------------------------------------

/// close() comes between pushers and receivers: what was accepted is received, nobody hangs.
template <std::size_t capacity>
void close_comes_between(scheduler& run) {
    crew threads{run};
    base::atomic<int> living{0};
    {
        work_queue<job> jobs{{.capacity = capacity}};
        ends seen;
        base::atomic<std::uint64_t> accepted{0};
        for (int p = 0; p < 2; ++p)
            threads.spawn("pusher", [&, p] {
                for (int n = 0; n < 2; ++n) {
                    const push_result result = jobs.push(job{living, 2 * p + n});
                    if (result == push_result::queued) accepted.fetch_add(1);
                    else require(result == push_result::closed, "another result");
                }
            });
        threads.spawn("receiver", [&] {
            while (auto taken = jobs.receive()) {
                seen.note(taken->value().number());
                require(taken->ack(), "a lease is lost");
            }
        });
        threads.spawn("closer", [&] { jobs.close(); });
        threads.join();
        require(jobs.stats().ready == 0, "the receiver left before the last one");
        require(seen.count() == accepted.load(), "lost, or twice");
        require_account(jobs.stats(), seen);
    }
    require(living.load() == 0, "a message leaks");
}

/// Nobody receives: whoever waits for room comes back.
void close_wakes_pushers(scheduler& run) {
    crew threads{run};
    work_queue<int> jobs{{.capacity = 1}};
    jobs.push(0);
    for (int p = 0; p < 2; ++p)
        threads.spawn("pusher", [&] { require(jobs.push(1) == push_result::closed, "another result"); });
    threads.spawn("closer", [&] { jobs.close(); });
    threads.join();
    require(jobs.stats().rejected == 2, "not counted");
}

/// Pushers wait for one place; whoever gets it, the order of each is kept and the bound, too.
void pushers_wait(scheduler& run) {
    crew threads{run};
    work_queue<int> jobs{{.capacity = 1}};
    for (int p = 0; p < 3; ++p)
        threads.spawn("pusher", [&, p] {
            for (int n = 1; n <= 2; ++n) require(jobs.push(10 * p + n) == push_result::queued, "not queued");
        });
    std::array<int, 3> last{};
    for (int n = 0; n < 6; ++n) {
        auto taken = jobs.receive();
        require(taken.has_value(), "the end");
        const auto stats = jobs.stats();
        require(stats.ready + stats.leased <= 1, "more than may be");
        int& before = last.at(static_cast<std::size_t>(taken->value() / 10));
        require(taken->value() % 10 == before + 1, "out of order");
        before = taken->value() % 10;
        require(taken->ack(), "a lease is lost");
    }
    threads.join();
}

/// Full queues of every other policy: exact at each moment, and all is accounted for.
template <overflow policy>
void full_queues_account(scheduler& run) {
    crew threads{run};
    work_queue<int> jobs{{.capacity = 2, .when_full = policy}};
    ends seen;
    for (int p = 0; p < 2; ++p)
        threads.spawn("pusher", [&, p] {
            for (int n = 0; n < 3; ++n) jobs.push(3 * p + n, {.priority = n % 2});
        });
    threads.spawn("receiver", [&] {
        for (int n = 0; n < 3; ++n) {
            const auto stats = jobs.stats();
            require(stats.ready + stats.leased <= 2, "more than may be");
            require(stats.accounted() == stats.pushed, "the account does not add up at each moment");
            if (auto taken = jobs.try_receive()) {
                seen.note(taken->value());
                require(taken->ack(), "a lease is lost");
            }
        }
    });
    threads.join();
    const auto stats = jobs.stats();
    require(stats.pushed + stats.rejected == 6, "a push was not counted");
    require_account(stats, seen);
}

// --- Workers -------------------------------------------------------------------------------------------------------

/// ~workers, against handlers, pushers and another consumer: no handler runs afterwards, and nothing stays leased.
template <bool manual>
void workers_end(scheduler& run) {
    crew threads{run};
    base::atomic<int> living{0};
    {
        thread_pool pool{2};
        work_queue<job> jobs{{.max_attempts = 10}};
        ends seen;
        base::atomic<bool> ended{false};
        base::atomic<int> inside{0};
        const auto handle = [&](const job& taken, leased<job>* held) {
            require(!ended.load(), "a handler runs after the end");
            require(simulation::this_thread().locks == 0, "a handler runs with a lock held");
            require(inside.fetch_add(1) < 2, "more handlers than workers");
            base::preemption_point();
            if (held != nullptr) require(held->ack(), "a lease is lost");
            inside.fetch_sub(1);
            seen.note(taken.number());
        };
        auto crew = [&] {
            if constexpr (manual)
                return jobs.consume([&](const job& taken, leased<job>& held) { handle(taken, &held); },
                                    {.executor = pool, .workers = 2, .prefetch = 2});
            else
                return jobs.consume([&](const job& taken) { handle(taken, nullptr); },
                                    {.executor = pool, .workers = 2, .prefetch = 2});
        }();
        threads.spawn("pusher", [&] {
            for (int n = 0; n < 4; ++n) jobs.push(job{living, n});
        });
        threads.spawn("owner", [&] {
            require(crew.stop() == reset_result::ended, "not ended");
            ended.store(true);
            const auto stats = jobs.stats();
            require(stats.leased == 0, "something is leased after the end");
            require(stats.acked == seen.count(), "a handler's message is not settled at the end");
        });
        threads.join();
        while (auto left = jobs.try_receive()) {
            require(left->attempt() == 1, "an attempt was counted for what no handler saw");
            seen.note(left->value().number());
            require(left->ack(), "a lease is lost");
        }
        require(seen.count() == 4, "lost");
        require_account(jobs.stats(), seen);
    }
    require(living.load() == 0, "a message leaks");
}

/// Every message is handled, and a failing one comes back until it is dead: no wake-up is lost.
void workers_finish(scheduler& run) {
    crew threads{run};
    thread_pool pool{2};
    work_queue<int> jobs{{.capacity = 2, .max_attempts = 2}};
    ends seen;
    auto crew = jobs.consume(
        [&](int n) {
            if (n == 1) throw n;
            seen.note(n);
        },
        {.executor = pool, .workers = 1U + static_cast<unsigned>(run.random(2))});
    for (int p = 0; p < 2; ++p)
        threads.spawn("pusher", [&, p] {
            for (int n = 0; n < 2; ++n) require(jobs.push(2 * p + n) == push_result::queued, "not queued");
        });
    threads.join();
    while (seen.count() != 3 || jobs.stats().dead != 1) base::yield();
    crew.stop();
    require(jobs.stats().acked == 3, "not acknowledged");
    require(jobs.stats().accounted() == 4, "the account does not add up");
}

/// The queue is destroyed by a handler of its own, with messages in it and another worker at one.
void a_handler_destroys_the_queue(scheduler& run) {
    base::atomic<int> living{0};
    base::atomic<bool> destroyed{false};
    {
        thread_pool pool{2};
        auto jobs = std::make_unique<work_queue<job>>();
        auto& of = *jobs;
        auto crew = of.consume(
            [&](const job& taken) {
                if (taken.number() != 1) return;
                jobs.reset();
                destroyed.store(true);
            },
            {.executor = pool, .workers = 2});
        of.push(job{living, 0});
        of.push(job{living, 2});
        of.push(job{living, 1}, {.priority = static_cast<int>(run.random(2))});
        while (!destroyed.load()) base::yield();
        crew.stop();
    }
    require(living.load() == 0, "a message leaks");
}

/// Queue, workers, pool and a lease go on four threads, in any order.
void everything_ends_at_once(scheduler& run) {
    crew threads{run};
    base::atomic<int> living{0};
    {
        auto pool = std::make_unique<thread_pool>(1U);
        auto jobs = std::make_unique<work_queue<job>>(work_queue_options{.lease = 1ms});
        jobs->push(job{living, 0});
        auto lease = jobs->receive();
        std::optional<workers> crew{
            jobs->consume([](const job&) { base::preemption_point(); }, {.executor = *pool, .prefetch = 2})};
        for (int n = 1; n < 4; ++n) jobs->push(job{living, n}, {.delay = std::chrono::microseconds{n % 2}});
        threads.spawn("queue", [&] { jobs.reset(); });
        threads.spawn("workers", [&] { crew.reset(); });
        threads.spawn("pool", [&] { pool.reset(); });
        threads.spawn("lease", [&] { lease.reset(); });
        threads.join();
    }
    require(living.load() == 0, "a message leaks");
}

/// Two queues whose workers fill each other; nobody waits for ever.
void queues_fill_each_other(scheduler&) {
    thread_pool one{1};
    thread_pool other{1};
    work_queue<int> there{{.capacity = 1}};
    work_queue<int> back{{.capacity = 1}};
    const auto fills = [](work_queue<int>& next) {
        return [&next](int n) {
            for (int each = 0; n < 2 && each < 2; ++each) next.push(n + 1);
        };
    };
    auto first = there.consume(fills(back), {.executor = one});
    auto second = back.consume(fills(there), {.executor = other});
    there.push(0);
    for (;;) {
        const auto a = there.stats();
        const auto b = back.stats();
        if (a.ready + a.leased + b.ready + b.leased == 0) break;
        base::yield();
    }
}

constexpr std::uint64_t schedules = tidings::simulation::schedules_of(25'000);

}  // namespace

TEST_CASE("simulated: receivers compete") { EXPLORE(schedules, receivers_compete<4>); }
TEST_CASE("simulated: receivers compete for one place") { EXPLORE(schedules, receivers_compete<1>); }
TEST_CASE("simulated: a lease is taken over while its owner settles") { EXPLORE(schedules, a_lease_is_taken_over); }
TEST_CASE("simulated: delays wake receivers") { EXPLORE(schedules, delays_wake_receivers); }
TEST_CASE("simulated: close between pushers and receivers") { EXPLORE(schedules, close_comes_between<4>); }
TEST_CASE("simulated: close between pushers that wait and receivers") { EXPLORE(schedules, close_comes_between<1>); }
TEST_CASE("simulated: close wakes pushers") { EXPLORE(schedules, close_wakes_pushers); }
TEST_CASE("simulated: pushers wait for room") { EXPLORE(schedules, pushers_wait); }
TEST_CASE("simulated: a full queue rejects") { EXPLORE(schedules, full_queues_account<overflow::reject>); }
TEST_CASE("simulated: a full queue drops the oldest") {
    EXPLORE(schedules, full_queues_account<overflow::drop_oldest>);
}
TEST_CASE("simulated: a full queue drops the newest") {
    EXPLORE(schedules, full_queues_account<overflow::drop_newest>);
}
TEST_CASE("simulated: workers end") { EXPLORE(schedules, workers_end<false>); }
TEST_CASE("simulated: workers that settle by themselves end") { EXPLORE(schedules, workers_end<true>); }
TEST_CASE("simulated: workers finish") { EXPLORE(schedules, workers_finish); }
TEST_CASE("simulated: a handler destroys the queue") { EXPLORE(schedules, a_handler_destroys_the_queue); }
TEST_CASE("simulated: everything ends at once") { EXPLORE(schedules, everything_ends_at_once); }
TEST_CASE("simulated: queues fill each other") { EXPLORE(schedules, queues_fill_each_other); }
