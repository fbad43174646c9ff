// One file of the program replaces operator new.
#include "support/allocations.hpp"

#include "support/catch.hpp"
#include "support/waiting.hpp"

#include <tidings/executor/inline_executor.hpp>
#include <tidings/executor/manual_executor.hpp>
#include <tidings/executor/thread_pool.hpp>
#include <tidings/queue/work_queue.hpp>
#include <tidings/testing/simulation.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using tidings::overflow;
using tidings::push_result;
using tidings::work_queue;

struct world {
    tidings::testing::simulation sim{1};
    work_queue<int> jobs{{.clock = sim.clock()}};
};

template <class T>
std::vector<T> receive_all(work_queue<T>& jobs) {
    std::vector<T> all;
    while (auto each = jobs.try_receive()) {
        all.push_back(each->value());
        each->ack();
    }
    return all;
}

/// Throws when it is moved, or copied.
struct fragile {
    explicit fragile(int& count) : living{&count} { ++*living; }
    fragile(const fragile& other) : living{other.living} { begin(); }
    fragile(fragile&& other) : living{other.living} { begin(); }  // NOLINT(*noexcept-move*): on purpose
    fragile& operator=(const fragile&) = delete;
    ~fragile() { --*living; }
    void begin() {
        if (throws) throw std::runtime_error{"moved"};
        ++*living;
    }
    int* living;
    static inline bool throws = false;
};

}  // namespace

TEST_CASE("messages come out in the order in which they went in, each once") {
    work_queue<int> jobs;
    for (int n = 1; n <= 100; ++n) CHECK(jobs.push(int{n}) == push_result::queued);
    for (int n = 1; n <= 100; ++n) {
        auto job = jobs.receive();
        REQUIRE(job);
        CHECK(job->value() == n);
        CHECK(job->ack());
    }
    CHECK_FALSE(jobs.try_receive());
    CHECK_FALSE(jobs.receive_for(1ms));
    CHECK_FALSE(jobs.receive_for(-1h));
}

TEST_CASE("a message need only be movable, and an lvalue is copied where it can be") {
    work_queue<std::unique_ptr<int>> jobs;
    jobs.push(std::make_unique<int>(7));
    CHECK(*jobs.receive()->value() == 7);
    work_queue<std::string> texts;
    const std::string text(100, 'x');
    texts.push(text);
    CHECK(texts.receive()->value() == text);
    CHECK(text.size() == 100);
}

TEST_CASE("a higher priority comes first, and within one the order is kept") {
    work_queue<int> jobs;
    jobs.push(1);
    jobs.push(2, {.priority = -5});
    jobs.push(3, {.priority = 5});
    jobs.push(4);
    jobs.push(5, {.priority = 5});
    jobs.push(6, {.priority = -1'000'000});
    jobs.push(7, {.priority = 1'000'000});
    jobs.push(8, {.priority = tidings::highest_priority});
    CHECK(receive_all(jobs) == std::vector{7, 8, 3, 5, 1, 4, 2, 6});
}

TEST_CASE("a delayed message is received when its delay is over, and not before") {
    world w;
    w.jobs.push(1, {.delay = 10s});
    w.jobs.push(2, {.priority = 9, .delay = 5s});
    w.jobs.push(3);
    w.jobs.push(4, {.delay = -5s});
    CHECK(receive_all(w.jobs) == std::vector{3, 4});
    w.sim.advance(5s - 1ns);
    CHECK_FALSE(w.jobs.try_receive());
    w.sim.advance(1ns);
    CHECK(receive_all(w.jobs) == std::vector{2});
    w.sim.advance(4'999ms);
    CHECK_FALSE(w.jobs.try_receive());
    w.sim.advance(1ms);
    CHECK(receive_all(w.jobs) == std::vector{1});
    w.jobs.push(5, {.delay = std::chrono::steady_clock::duration::max()});
    w.sim.advance(std::chrono::hours{24 * 365});
    CHECK_FALSE(w.jobs.try_receive());
}

TEST_CASE("more messages become due than are looked at at once: they come in order") {
    world w;
    for (int n = 0; n < 1'000; ++n) w.jobs.push(int{n}, {.delay = 1s});
    w.sim.advance(1s);
    const auto all = receive_all(w.jobs);
    REQUIRE(all.size() == 1'000);
    for (int n = 0; n < 1'000; ++n) CHECK(all[static_cast<std::size_t>(n)] == n);
}

TEST_CASE("in a simulation a receiver moves the time to the next message, and gives up where none will come") {
    world w;
    w.jobs.push(1, {.delay = 1min});
    CHECK_FALSE(w.jobs.receive_for(59s));
    CHECK(w.sim.now().time_since_epoch() == 59s);
    auto job = w.jobs.receive();
    REQUIRE(job);
    CHECK(w.sim.now().time_since_epoch() == 1min);
    auto again = w.jobs.receive();  // when the lease has run out
    REQUIRE(again);
    CHECK(again->attempt() == 2);
    CHECK(w.sim.now().time_since_epoch() == 90s);
    CHECK(again->ack());
    CHECK_FALSE(w.jobs.receive());
}

TEST_CASE("a receiver that sleeps is woken by a message, and by a delay that is over, on real time") {
    work_queue<int> jobs;
    std::thread pushes{[&] {
        jobs.push(1);
        jobs.push(2, {.delay = 3ms});
    }};
    auto first = jobs.receive();
    REQUIRE(first);
    CHECK(first->value() == 1);
    const auto before = std::chrono::steady_clock::now();
    pushes.join();
    auto second = jobs.receive();
    REQUIRE(second);
    CHECK(second->value() == 2);
    CHECK(std::chrono::steady_clock::now() - before < 20s);
    jobs.push(3, {.delay = 2ms});
    auto third = jobs.receive_for(1h);
    REQUIRE(third);
    CHECK(third->value() == 3);
}

TEST_CASE("a full queue does what it is told to, and what it does not take it does not touch") {
    work_queue<std::unique_ptr<int>> rejects{{.capacity = 2, .when_full = overflow::reject}};
    work_queue<std::unique_ptr<int>> newest{{.capacity = 0, .when_full = overflow::drop_newest}};  // one, at least
    const auto three = [] { return std::make_unique<int>(3); };
    rejects.push(std::make_unique<int>(1));
    rejects.push(std::make_unique<int>(2), {.delay = 1h});  // the delayed ones count
    auto kept = three();
    CHECK(rejects.push(std::move(kept)) == push_result::rejected);
    CHECK((kept != nullptr && *kept == 3));
    auto leased = rejects.receive();
    CHECK(rejects.push(std::move(kept)) == push_result::rejected);  // and so do the leased ones
    CHECK(leased->ack());
    CHECK(rejects.push(std::move(kept)) == push_result::queued);
    CHECK(kept == nullptr);
    CHECK(rejects.stats().rejected == 2);

    newest.push(three());
    kept = three();
    CHECK(newest.push(std::move(kept)) == push_result::dropped);
    CHECK(kept != nullptr);
    CHECK(newest.stats().dropped == 1);
    CHECK(newest.stats().pushed == 2);
}

TEST_CASE("drop_oldest gives up the oldest of the lowest priority, and never more than one is too many") {
    work_queue<int> jobs{{.capacity = 3, .when_full = overflow::drop_oldest}};
    jobs.push(1, {.priority = 1});
    jobs.push(2);
    jobs.push(3);
    CHECK(jobs.push(4) == push_result::queued);
    CHECK(jobs.push(5, {.priority = -1}) == push_result::dropped);
    CHECK(jobs.push(6, {.priority = 2}) == push_result::queued);
    CHECK(jobs.stats().ready == 3);
    CHECK(jobs.stats().dropped == 3);
    CHECK(receive_all(jobs) == std::vector{6, 1, 4});

    jobs.push(7, {.delay = 1h});
    jobs.push(8);
    jobs.push(9);
    auto one = jobs.receive();
    auto two = jobs.receive();
    CHECK(jobs.push(10) == push_result::dropped);  // nothing else waits
    CHECK(jobs.push(11, {.delay = 1h}) == push_result::dropped);
    CHECK(jobs.stats().accounted() == jobs.stats().pushed);
}

TEST_CASE("a pusher waits for room, and each in turn") {
    work_queue<int> jobs{{.capacity = 1}};
    jobs.push(0);
    std::atomic<int> pushed{0};
    std::thread pushes{[&] {
        for (int n = 1; n <= 1'000; ++n) {
            if (jobs.push(int{n}) != push_result::queued) std::abort();
            ++pushed;
        }
        jobs.close();
    }};
    int expected = 0;
    while (auto job = jobs.receive()) {
        CHECK(pushed.load() <= expected);
        CHECK(job->value() == expected++);
        CHECK(jobs.stats().leased == 1);
        CHECK(job->ack());
    }
    pushes.join();
    // Whoever waits when the last is pushed may be told of the end first.
    while (auto job = jobs.try_receive()) CHECK(job->value() == expected++);
    CHECK(expected == 1'001);
}

TEST_CASE("a pusher never waits for itself: in a simulation, in a handler, on a loop") {
    SECTION("at home in a simulation, where steps make room") {
        tidings::testing::simulation sim{1};
        work_queue<int> jobs{{.capacity = 1, .clock = sim.clock()}};
        int sum = 0;
        auto crew = jobs.consume([&](int n) { sum += n; }, {.executor = sim.executor()});
        for (int n = 1; n <= 10; ++n) CHECK(jobs.push(int{n}) == push_result::queued);
        sim.run_until_idle();
        CHECK(sum == 55);
    }
    SECTION("at home in a simulation, where nobody does") {
        tidings::testing::simulation sim{1};
        work_queue<int> jobs{{.capacity = 1, .clock = sim.clock()}};
        jobs.push(1);
        CHECK(jobs.push(2) == push_result::would_deadlock);
        CHECK(jobs.stats().rejected == 1);
    }
    SECTION("in a step of a simulation, where another step receives") {
        tidings::testing::simulation sim{1};
        work_queue<int> jobs{{.capacity = 1, .clock = sim.clock()}};
        auto result = push_result::rejected;
        jobs.push(1);
        sim.executor().post(tidings::task{[&] { result = jobs.push(2); }});
        sim.executor().post(tidings::task{[&] { jobs.receive()->ack(); }});
        sim.run_until_idle();
        CHECK(result == push_result::queued);
    }
    SECTION("in a handler of the only workers") {
        tidings::thread_pool pool{1};
        work_queue<int> jobs{{.capacity = 1}};
        std::atomic<push_result> result{push_result::queued};
        support::flag done;
        auto crew = jobs.consume(
            [&](int) {
                result = jobs.push(2);
                done.raise();
            },
            {.executor = pool});
        jobs.push(1);
        done.wait();
        CHECK(result == push_result::would_deadlock);
    }
    SECTION("in a handler, where another would make room: it might wait for this one") {
        tidings::thread_pool pool{2};
        work_queue<int> jobs{{.capacity = 2}};
        std::atomic<push_result> result{push_result::queued};
        support::flag both;
        support::flag done;
        auto crew = jobs.consume(
            [&](int n) {
                if (n == 1) {
                    both.wait();
                    result = jobs.push(3);
                    done.raise();
                } else {
                    both.raise();
                    done.wait();
                }
            },
            {.executor = pool, .prefetch = 1});
        jobs.push(1);
        jobs.push(2);
        done.wait();
        CHECK(result == push_result::would_deadlock);
    }
    SECTION("on the thread of a loop that runs the workers") {
        tidings::manual_executor loop;
        work_queue<int> jobs{{.capacity = 1}};
        std::vector<int> seen;
        auto crew = jobs.consume([&](int n) { seen.push_back(n); }, {.executor = loop});
        for (int n = 1; n <= 3; ++n) CHECK(jobs.push(int{n}) == push_result::queued);
        loop.run();
        CHECK(seen == std::vector{1, 2, 3});
    }
    SECTION("two queues whose workers fill each other") {
        tidings::thread_pool one{1};
        tidings::thread_pool other{1};
        work_queue<int> there{{.capacity = 1}};
        work_queue<int> back{{.capacity = 1}};
        std::atomic<int> refused{0};
        const auto fills = [&](work_queue<int>& next) {
            return [&next, &refused](int n) {
                for (int each = 0; each < 3; ++each)
                    if (n < 3 && next.push(n + 1) != push_result::queued) ++refused;
            };
        };
        auto here_to_there = there.consume(fills(back), {.executor = one});
        auto there_to_here = back.consume(fills(there), {.executor = other});
        there.push(0);
        support::wait_until([&] {
            const auto a = there.stats();
            const auto b = back.stats();
            return a.ready + a.leased + b.ready + b.leased == 0;
        });
        static_cast<void>(refused.load());  // how many depends on who is faster
    }
}

TEST_CASE("close lets nothing in, wakes who waits, and what is there can be received") {
    work_queue<int> jobs{{.capacity = 1}};
    work_queue<int> empty;
    jobs.push(1);
    std::atomic<push_result> result{push_result::queued};
    std::atomic<bool> received{true};
    std::thread pushes{[&] { result = jobs.push(2); }};
    std::thread receives{[&] { received = empty.receive().has_value(); }};
    jobs.close();
    empty.close();
    pushes.join();
    receives.join();
    CHECK(result == push_result::closed);
    CHECK_FALSE(received);
    CHECK(jobs.push(3) == push_result::closed);
    auto job = jobs.receive();
    REQUIRE(job);
    CHECK_FALSE(jobs.receive());  // it does not wait for the leased one
    CHECK(job->nack());
    CHECK(jobs.receive()->attempt() == 2);  // which can be had still
    CHECK(jobs.stats().rejected == 2);
}

TEST_CASE("moving or copying a message may throw: then it is not in the queue, and its place is free") {
    int living = 0;
    {
        work_queue<fragile> jobs{{.capacity = 1, .when_full = overflow::reject}};
        fragile one{living};
        fragile::throws = true;
        CHECK_THROWS_AS(jobs.push(std::move(one)), std::runtime_error);
        CHECK_THROWS_AS(jobs.push(one), std::runtime_error);
        fragile::throws = false;
        CHECK(jobs.stats().pushed == 0);
        CHECK(jobs.push(one) == push_result::queued);
        fragile::throws = true;  // from here on nobody moves it
        {
            auto job = jobs.receive();
            auto moved = std::move(job);
            moved->nack();
        }
        CHECK(jobs.receive()->reject("no"));
        CHECK(jobs.dead_letters().redrive(1));
        fragile::throws = false;
        CHECK(living == 2);
    }
    CHECK(living == 0);
}

TEST_CASE("the queue may be destroyed while others wait in it, and in a handler") {
    SECTION("who waits") {
        auto jobs = std::make_unique<work_queue<int>>(tidings::work_queue_options{.capacity = 1});
        auto empty = std::make_unique<work_queue<int>>();
        jobs->push(1);
        std::atomic<int> inside{0};
        std::atomic<int> back{0};
        std::thread pushes{[&, &of = *jobs] {
            ++inside;
            if (of.push(2) == push_result::closed) ++back;
        }};
        std::thread receives{[&, &of = *empty] {
            ++inside;
            if (!of.receive()) ++back;
        }};
        support::wait_until([&] { return inside == 2; });
        jobs->close();  // or they might not have come in yet, and may not any more
        empty->close();
        pushes.join();
        receives.join();
        CHECK(back == 2);
    }
    SECTION("by a handler of its own") {
        tidings::thread_pool pool{1};
        auto jobs = std::make_unique<work_queue<std::shared_ptr<int>>>();
        const auto value = std::make_shared<int>(1);
        tidings::workers crew;
        support::flag may_go;
        support::flag gone;
        crew = jobs->consume(
            [&](const std::shared_ptr<int>&) {
                may_go.wait();
                jobs.reset();
                gone.raise();
            },
            {.executor = pool});
        auto& queue = *jobs;
        for (int n = 0; n < 10; ++n) queue.push(value);
        may_go.raise();
        gone.wait();
        crew.stop();
        CHECK(value.use_count() == 1);
    }
}

TEST_CASE("a lease outlives its queue, and its settlement counts for nothing") {
    std::optional<tidings::leased<std::string>> kept;
    std::optional<tidings::leased<std::string>> unsettled;
    {
        work_queue<std::string> jobs;
        jobs.push("text");
        jobs.push("more");
        kept = jobs.receive();
        unsettled = jobs.receive();
    }
    REQUIRE(kept);
    CHECK(kept->value() == "text");
    CHECK_FALSE(kept->extend(1s));
    CHECK_FALSE(kept->ack());
    CHECK(kept->value() == "text");
}

TEST_CASE("many pushers and receivers: each message is received once, and all is accounted for") {
    work_queue<int> jobs{{.capacity = 16}};
    constexpr int each = 5'000;
    std::vector<std::atomic<int>> seen(2 * each);
    std::vector<std::thread> pushers;
    std::vector<std::thread> receivers;
    for (int p = 0; p < 2; ++p)
        pushers.emplace_back([&, p] {
            for (int n = 0; n < each; ++n) jobs.push(p * each + n, {.priority = n % 3});
        });
    for (int r = 0; r < 2; ++r)
        receivers.emplace_back([&] {
            while (auto job = jobs.receive()) {
                if (job->value() % 7 == 0 && job->attempt() == 1) job->nack();
                else if (job->ack()) ++seen[static_cast<std::size_t>(job->value())];
            }
        });
    for (auto& p : pushers) p.join();
    support::wait_until([&] { return jobs.stats().acked == 2 * each; });
    jobs.close();
    for (auto& r : receivers) r.join();
    for (const auto& s : seen) CHECK(s == 1);
    const auto stats = jobs.stats();
    CHECK(stats.pushed == 2 * each);
    CHECK(stats.accounted() == stats.pushed);
}

TEST_CASE("once warm, nothing is allocated for a message, whatever becomes of it") {
    if (!support::counts_allocations || TIDINGS_HAS_ASAN) return;  // there blocks do not go round
    tidings::testing::simulation sim{1};
    work_queue<int> jobs{{.capacity = 100, .dead_letters = 10, .clock = sim.clock()}};
    const auto round = [&] {
        for (int n = 0; n < 100; ++n) jobs.push(int{n}, {.priority = n % 5, .delay = std::chrono::seconds{n % 2}});
        sim.advance(1s);
        for (int n = 0; n < 100; ++n) {
            auto job = jobs.try_receive();
            if (n % 10 == 0) job->reject({});
            else if (n % 10 == 1) job->nack(1s);
            else job->ack();
        }
        sim.advance(1s);
        while (auto left = jobs.try_receive()) left->ack();
    };
    for (int n = 0; n < 3; ++n) round();
    const auto before = support::allocated_here;
    for (int n = 0; n < 3; ++n) round();
    CHECK(support::allocated_here == before);
}

TEST_CASE("without memory a push throws, and has changed nothing; settling goes on, and loses the text at most") {
    if (!support::counts_allocations) return;
    for (std::int64_t n = 1;; ++n) {
        work_queue<int> jobs{{.capacity = 1, .when_full = overflow::reject, .max_attempts = 2}};
        bool threw = false;
        {
            const support::failing_allocation fails{n, support::failing::from_then_on};
            try {
                jobs.push(1);
            } catch (const std::bad_alloc&) {
                threw = true;
            }
            if (!fails.happened()) break;
        }
        CHECK(threw);
        CHECK(jobs.stats().accounted() == 0);
        CHECK(jobs.stats().pushed == 0);
        CHECK(jobs.push(1) == push_result::queued);
        const std::string why(100, 'x');
        {
            const support::failing_allocation fails{1, support::failing::from_then_on};
            jobs.try_receive()->nack({}, why);
            jobs.try_receive()->reject(why);
        }
        CHECK(jobs.dead_letters().list().front().error == "rejected");
        {
            const support::failing_allocation fails{1, support::failing::from_then_on};
            CHECK_THROWS_AS(jobs.dead_letters().redrive(1), std::bad_alloc);
        }
        CHECK(jobs.dead_letters().size() == 1);
        CHECK(jobs.dead_letters().redrive(1));
        CHECK(jobs.stats().accounted() == 1);
    }
}
