#include "support/captures.hpp"
#include "support/catch.hpp"
#include "support/waiting.hpp"

#include <tidings/executor/inline_executor.hpp>
#include <tidings/executor/manual_executor.hpp>
#include <tidings/executor/thread_pool.hpp>
#include <tidings/queue/work_queue.hpp>
#include <tidings/queue/workers.hpp>
#include <tidings/testing/simulation.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using tidings::leased;
using tidings::reset_result;
using tidings::work_queue;

struct world {
    tidings::testing::simulation sim{1};
    work_queue<int> jobs{{.lease = 30s, .max_attempts = 3, .clock = sim.clock()}};
};

}  // namespace

TEST_CASE("a handler that returns acknowledges, one that throws does not, and the text is kept") {
    world w;
    std::vector<int> seen;
    auto crew = w.jobs.consume(
        [&](int n) {
            seen.push_back(n);
            if (n == 2) throw std::runtime_error{"attempt " + std::to_string(seen.size())};
            if (n == 3) throw 3;
        },
        {.executor = w.sim.executor(), .workers = 1, .retry_delay = 1min});
    for (int n = 1; n <= 3; ++n) w.jobs.push(int{n});
    w.sim.run_until_idle();
    CHECK(seen == std::vector{1, 2, 3});
    CHECK(w.jobs.stats().delayed == 2);
    w.sim.advance(1min);
    CHECK(seen.size() == 5);
    w.sim.advance(1h);
    CHECK(seen.size() == 7);
    const auto dead = w.jobs.dead_letters().list();
    REQUIRE(dead.size() == 2);
    for (const auto& each : dead) {
        CHECK(each.attempts == 3);
        const bool says =
            each.error == "an exception that does not derive from std::exception" || each.error.starts_with("attempt ");
        CHECK(says);
    }
    CHECK(w.jobs.stats().acked == 1);
}

TEST_CASE("a handler may settle by itself, extend its lease, and move it away") {
    world w;
    std::optional<leased<int>> kept;
    auto crew = w.jobs.consume(
        [&](const int& n, leased<int>& job) {
            CHECK(job.value() == n);
            if (n == 1) job.reject("unwanted");
            if (n == 2) job.nack(1h);
            if (n == 3) kept.emplace(std::move(job));
            if (n == 4) {
                job.ack();
                throw std::runtime_error{"too late"};
            }
            if (n == 5) CHECK(job.extend(1h));
        },
        {.executor = w.sim.executor()});
    for (int n = 1; n <= 5; ++n) w.jobs.push(int{n});
    w.sim.run_until_idle();
    const auto stats = w.jobs.stats();
    CHECK(stats.dead == 1);
    CHECK(stats.delayed == 1);
    CHECK(stats.leased == 1);
    CHECK(stats.acked == 2);
    crew.stop();
    REQUIRE(kept);
    CHECK(kept->value() == 3);
    CHECK(kept->ack());
}

TEST_CASE("workers are woken when a delay is over, and when a lease has run out") {
    world w;
    int handled = 0;
    w.jobs.push(1);
    auto dies = w.jobs.try_receive();
    auto crew = w.jobs.consume([&](int) { ++handled; }, {.executor = w.sim.executor()});
    w.jobs.push(2, {.delay = 10s});
    w.jobs.push(3, {.delay = 5s});  // sooner than what was to be next
    w.sim.advance(5s);
    CHECK(handled == 1);
    w.sim.advance(5s);
    CHECK(handled == 2);
    w.sim.advance(20s);
    CHECK(handled == 3);
    CHECK_FALSE(dies->ack());
}

TEST_CASE("at most so many handlers run at a time, and all of them where there is enough to do") {
    tidings::thread_pool pool{4};
    work_queue<int> jobs;
    std::atomic<int> inside{0};
    std::atomic<int> most{0};
    std::atomic<bool> met{false};
    auto crew = jobs.consume(
        [&](int) {
            const int now = ++inside;
            int seen = most.load();
            while (seen < now && !most.compare_exchange_weak(seen, now)) {}
            if (now == 3) met = true;
            support::wait_until([&] { return met.load(); });
            --inside;
        },
        {.executor = pool, .workers = 3});
    for (int n = 0; n < 300; ++n) jobs.push(int{n});
    support::wait_until([&] { return jobs.stats().acked == 300; });
    CHECK(most == 3);
}

TEST_CASE("a task is posted only where there is something to do") {
    tidings::manual_executor loop;
    work_queue<int> jobs;
    int handled = 0;
    auto crew = jobs.consume([&](int) { ++handled; }, {.executor = loop, .workers = 2});
    CHECK(loop.size() == 0);
    jobs.push(1);
    CHECK(loop.size() == 1);
    for (int n = 0; n < 10; ++n) jobs.push(int{n});
    CHECK(loop.size() == 2);
    loop.run();
    CHECK(handled == 11);
    CHECK(loop.size() == 0);
    jobs.push(1);
    CHECK(loop.size() == 1);
}

TEST_CASE("what was fetched in advance is ready again at once, where it was, with no attempt counted") {
    world w;
    for (int n = 1; n <= 10; ++n) w.jobs.push(int{n});
    std::vector<int> seen;
    auto crew =
        w.jobs.consume([&](int n) { seen.push_back(n); }, {.executor = w.sim.executor(), .workers = 1, .prefetch = 5});
    w.sim.run_one();  // one event for a step
    CHECK(seen == std::vector{1});
    CHECK(w.jobs.stats().leased == 4);
    crew.stop();
    CHECK(w.jobs.stats().leased == 0);
    CHECK(w.jobs.stats().ready == 9);
    for (int n = 2; n <= 10; ++n) {
        auto job = w.jobs.try_receive();
        REQUIRE(job);
        CHECK(job->value() == n);
        CHECK(job->attempt() == 1);
        job->ack();
    }
}

TEST_CASE("what was fetched in advance, and whose lease has run out, is where it was, with no attempt counted") {
    world w;
    tidings::manual_executor loop;
    std::vector<std::pair<int, unsigned>> others;
    for (int n = 1; n <= 3; ++n) w.jobs.push(int{n});
    auto crew = w.jobs.consume(
        [&](int n) {
            CHECK(n == 1);
            w.jobs.push(4);
            CHECK(w.jobs.stats().leased == 3);
            w.sim.advance(30s);
            while (auto job = w.jobs.try_receive()) {
                others.emplace_back(job->value(), job->attempt());
                job->ack();
            }
        },
        {.executor = loop, .workers = 1});
    loop.run();
    CHECK(others == std::vector<std::pair<int, unsigned>>{{2, 1}, {3, 1}, {4, 1}, {1, 2}});
    CHECK(w.jobs.stats().acked == 4);
}

TEST_CASE("a worker that hangs keeps what it has fetched no longer than the lease") {
    tidings::thread_pool pool{1};
    work_queue<int> jobs{{.lease = 5ms}};
    support::flag inside;
    support::flag may_go;
    for (int n = 1; n <= 3; ++n) jobs.push(int{n});
    auto crew = jobs.consume(
        [&](int) {
            inside.raise();
            may_go.wait();
        },
        {.executor = pool, .workers = 1});
    inside.wait();
    std::vector<unsigned> attempts;
    for (int n = 1; n <= 3; ++n) {
        auto job = jobs.receive();
        REQUIRE(job);
        attempts.push_back(job->value() == 1 ? job->attempt() - 1 : job->attempt());
        job->ack();
    }
    CHECK(attempts == std::vector<unsigned>{1, 1, 1});
    may_go.raise();
}

TEST_CASE("stop waits for a handler that runs, and for what became of its message; then nothing is left") {
    tidings::thread_pool pool{2};
    support::watched captured;
    work_queue<int> jobs;
    support::flag inside;
    std::atomic<bool> left{false};
    auto crew = jobs.consume(
        [&, c = captured.copy()](int) {
            inside.raise();
            support::stay_until_waited_for(1, [] { return false; });
            left = true;
        },
        {.executor = pool, .workers = 1});
    for (int n = 0; n < 5; ++n) jobs.push(int{n});
    inside.wait();
    CHECK(crew.stop() == reset_result::ended);
    CHECK(left);
    CHECK_FALSE(captured.exists());
    CHECK(jobs.stats().acked == 1);
    CHECK(jobs.stats().leased == 0);
    CHECK(jobs.stats().ready == 4);
    CHECK(crew.stop() == reset_result::ended);
}

TEST_CASE("a handler that stops its own workers does not wait, and is the last to run") {
    support::watched captured;
    work_queue<int> jobs;
    tidings::manual_executor loop;
    tidings::workers crew;
    int handled = 0;
    std::optional<reset_result> result;
    for (int n = 1; n <= 3; ++n) jobs.push(int{n});
    crew = jobs.consume(
        [&, c = captured.copy()](int) {
            ++handled;
            result = crew.stop();
            CHECK(captured.exists());
        },
        {.executor = loop, .prefetch = 1});
    loop.run();
    CHECK(handled == 1);
    CHECK(result == reset_result::running_here);
    CHECK_FALSE(captured.exists());
    CHECK(jobs.stats().acked == 1);
    CHECK(jobs.stats().ready == 2);
}

TEST_CASE("on an executor that runs tasks where they are posted, a push is handled before it returns") {
    tidings::inline_executor here;
    work_queue<int> jobs;
    std::vector<int> seen;
    auto crew = jobs.consume(
        [&](int n) {
            seen.push_back(n);
            if (n < 3) jobs.push(n + 1);
        },
        {.executor = here});
    jobs.push(1);
    CHECK(seen == std::vector{1, 2, 3});
    CHECK(jobs.stats().acked == 3);
}

TEST_CASE("handlers that stop each other's workers come back") {
    tidings::thread_pool pool{2};
    work_queue<int> one;
    work_queue<int> two;
    tidings::workers first;
    tidings::workers second;
    std::atomic<int> entered{0};
    std::atomic<int> left{0};
    const auto crossing = [&](tidings::workers& other) {
        return [&](int) {
            ++entered;
            support::wait_until([&] { return entered == 2; });
            other.stop();
            ++left;
        };
    };
    first = one.consume(crossing(second), {.executor = pool});
    second = two.consume(crossing(first), {.executor = pool});
    one.push(1);
    two.push(1);
    support::wait_until([&] { return left == 2; });
}

TEST_CASE("workers may outlive their queue, and their executor") {
    tidings::workers crew;
    support::watched captured;
    auto pool = std::make_unique<tidings::thread_pool>(1U);
    {
        work_queue<int> jobs;
        std::atomic<int> handled{0};
        crew = jobs.consume([&, c = captured.copy()](int) { ++handled; }, {.executor = *pool});
        jobs.push(1);
        support::wait_until([&] { return handled == 1; });
        pool.reset();
        CHECK(jobs.push(2) == tidings::push_result::queued);
        CHECK(jobs.push(3) == tidings::push_result::queued);
        CHECK(jobs.stats().ready == 2);  // for others
        CHECK(jobs.stats().accounted() == 3);
    }
    CHECK_FALSE(captured.exists());
    crew.stop();
}

TEST_CASE("tasks that the executor drops leave their messages to others") {
    work_queue<int> jobs;
    auto loop = std::make_unique<tidings::manual_executor>();
    auto crew = jobs.consume([](int) { FAIL("it runs"); }, {.executor = *loop});
    for (int n = 0; n < 3; ++n) jobs.push(int{n});
    loop.reset();
    for (int n = 0; n < 3; ++n) {
        auto job = jobs.try_receive();
        REQUIRE(job);
        CHECK(job->value() == n);
        job->ack();
    }
}

TEST_CASE("the shared pool is where handlers run if nobody says where") {
    work_queue<int> jobs;
    std::atomic<int> handled{0};
    auto crew = jobs.consume([&](int) { ++handled; });
    for (int n = 0; n < 100; ++n) jobs.push(int{n});
    support::wait_until([&] { return handled == 100; });
    crew = {};
    jobs.push(1);
    CHECK(jobs.stats().ready == 1);
}

TEST_CASE("several consumers share a queue") {
    tidings::thread_pool pool{2};
    work_queue<int> jobs;
    std::atomic<int> one{0};
    std::atomic<int> two{0};
    auto first = jobs.consume([&](int) { ++one; }, {.executor = pool});
    auto second = jobs.consume([&](int) { ++two; }, {.executor = pool});
    for (int n = 0; n < 1'000; ++n) jobs.push(int{n});
    support::wait_until([&] { return one + two == 1'000; });
    first.stop();
    second.stop();
    CHECK(jobs.stats().acked == 1'000);
}
