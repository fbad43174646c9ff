#include <tidings/testing/simulation.hpp>

#include <tidings/base/error.hpp>
#include <tidings/base/idle_hook.hpp>
#include <tidings/base/sync.hpp>
#include <tidings/core/bus.hpp>

#include "support/captures.hpp"
#include "support/catch.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using tidings::clock_ref;
using tidings::executor_ref;
using tidings::testing::find_failing_seed;
using tidings::testing::simulation;
namespace base = tidings::base;

/// Calls a function when it rings.
struct bell : tidings::detail::alarm {
    explicit bell(std::function<void()> f) : alarm{&bell::call}, at_ring{std::move(f)} {}
    static void call(alarm& self) noexcept { static_cast<bell&>(self).at_ring(); }
    std::function<void()> at_ring;
};

/// A place for threads to wait at, as the library has them.
class gate {
public:
    /// False: nothing will open it.
    bool wait() {
        std::unique_lock lock{mutex_};
        return base::wait(changed_, lock, [this] { return open_; });
    }
    void open() {
        {
            const std::lock_guard lock{mutex_};
            open_ = true;
        }
        changed_.notify_all();
    }

private:
    base::mutex mutex_;
    base::condition_variable changed_;
    bool open_ = false;
};

/// Three steps that note where they are, and yield in between.
std::string three_steps(std::uint64_t seed) {
    simulation sim{seed};
    std::string order;
    for (const char name : {'a', 'b', 'c'}) {
        sim.executor().post([&, name] {
            order += name;
            sim.yield();
            order += static_cast<char>(name - 'a' + 'A');
        });
    }
    CHECK(sim.run_until_idle() == 6);
    return order + '\n' + sim.trace();
}

}  // namespace

TEST_CASE("the seed decides the order of a simulation") {
    std::set<std::string> orders;
    for (std::uint64_t seed = 0; seed < 2'000; ++seed) orders.insert(three_steps(seed).substr(0, 6));
    CHECK(orders.size() == 90);  // 6! / 2^3: all there are
    for (std::uint64_t seed = 0; seed < 50; ++seed) CHECK(three_steps(seed) == three_steps(seed));
}

TEST_CASE("a seed means the same in every process") {
    CHECK(three_steps(1).substr(0, 6) == "caCbBA");
    simulation sim{42};
    CHECK(sim.seed() == 42);
    CHECK(sim.random(1'000'000) == 323'495);
    CHECK(sim.random(0) == 0);
    CHECK(sim.random(1) == 0);
}

TEST_CASE("posting runs nothing, and run_one() one step") {
    simulation sim{1};
    const executor_ref executor = sim.executor();
    int ran = 0;
    for (int n = 0; n < 3; ++n) executor.post([&] { ++ran; });
    CHECK(ran == 0);
    CHECK(sim.run_one());
    CHECK(ran == 1);
    sim.yield();  // the same, outside of a step
    CHECK(ran == 2);
    CHECK(executor.port()->help());
    CHECK(ran == 3);
    CHECK_FALSE(sim.run_one());
    CHECK_FALSE(executor.port()->help());
    CHECK(sim.run_until_idle() == 0);
}

TEST_CASE("a step runs on a thread of the executor, one at a time, to its end") {
    simulation sim{3};
    const executor_ref executor = sim.executor();
    CHECK(executor.port()->batch() == 1);
    CHECK(executor.port()->width() == 64);
    CHECK_FALSE(executor.port()->runs_here());
    int inside = 0;
    bool alone = true;
    bool same_thread = true;
    bool at_home = false;
    bool helps = false;
    const std::thread::id main = std::this_thread::get_id();
    for (int n = 0; n < 20; ++n) {
        executor.post([&] {
            const std::thread::id self = std::this_thread::get_id();
            for (int turn = 0; turn < 5; ++turn) {
                alone = alone && ++inside == 1;
                same_thread = same_thread && self == std::this_thread::get_id();
                at_home = at_home || self == main || !executor.port()->runs_here();
                helps = helps || executor.port()->help();
                --inside;
                sim.yield();
            }
        });
    }
    CHECK(sim.run_until_idle() == 120);
    CHECK(alone);
    CHECK(same_thread);
    CHECK_FALSE(at_home);
    CHECK_FALSE(helps);
}

TEST_CASE("run_one() ends where a step yields") {
    simulation sim{1};
    int at = 0;
    sim.executor().post([&] {
        at = 1;
        sim.yield();
        at = 2;
    });
    CHECK(sim.run_one());
    CHECK(at == 1);
    CHECK(sim.run_one());
    CHECK(at == 2);
    CHECK_FALSE(sim.run_one());
}

TEST_CASE("time moves when it is told to, from alarm to alarm") {
    simulation sim{1};
    const clock_ref clock = sim.clock();
    const auto start = sim.now();
    CHECK(clock.port()->now() == start);
    CHECK(clock.port()->system_now() == std::chrono::sys_days{std::chrono::year{2000} / 1 / 1});
    std::vector<std::pair<int, simulation::duration>> rang;
    const auto note = [&](int n) {
        return [&, n] { sim.executor().post([&, n] { rang.emplace_back(n, sim.now() - start); }); };
    };
    bell late{note(3)};
    bell early{note(1)};
    bell taken_back{note(4)};
    bell beyond{note(5)};
    bell in_turn{[&] { clock.port()->call_at(early, clock.port()->now() + 1s); }};
    clock.port()->call_at(late, start + 24h);
    clock.port()->call_at(in_turn, start + 5s);
    clock.port()->call_at(taken_back, start + 10s);
    clock.port()->call_at(beyond, start + 24h + 1ns);
    CHECK(sim.run_until_idle() == 0);
    CHECK(sim.now() == start);
    CHECK(clock.port()->cancel(taken_back));
    CHECK_FALSE(clock.port()->cancel(taken_back));
    sim.advance(23h);
    CHECK(sim.now() == start + 23h);
    sim.advance(1h);
    CHECK_FALSE(clock.port()->cancel(late));
    CHECK(rang == std::vector<std::pair<int, simulation::duration>>{{1, 6s}, {3, 24h}});
    CHECK(clock.port()->system_now() == std::chrono::sys_days{std::chrono::year{2000} / 1 / 2});
    sim.advance(-1h);
    CHECK(sim.now() == start + 24h);
    sim.advance(simulation::duration::max());
    CHECK(rang.size() == 3);
}

TEST_CASE("an alarm that is due rings without time moving, among the steps") {
    std::set<std::string> orders;
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
        simulation sim{seed};
        std::string order;
        bell first{[&] { order += '1'; }};
        bell second{[&] { order += '2'; }};
        sim.clock().port()->call_at(first, sim.now());
        sim.clock().port()->call_at(second, sim.now() - 1s);
        sim.executor().post([&] { order += 's'; });
        CHECK(sim.run_until_idle() == 1);
        orders.insert(order);
    }
    CHECK(orders == std::set<std::string>{"s21", "2s1", "21s"});
}

TEST_CASE("random numbers do not change the schedule") {
    const auto order = [](bool draws) {
        simulation sim{5};
        std::string text;
        for (const char name : {'a', 'b', 'c', 'd'}) {
            sim.executor().post([&, name] {
                text += name;
                if (draws) {
                    sim.random(10);
                    sim.clock().port()->random();
                }
                sim.yield();
                text += name;
            });
        }
        sim.run_until_idle();
        return text;
    };
    CHECK(order(true) == order(false));
}

TEST_CASE("where the library would block, steps go on") {
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
        simulation sim{seed};
        gate first;
        gate second;
        bool in_step = false;
        sim.executor().post([&] {
            in_step = first.wait();
            second.open();
        });
        sim.executor().post([&] {
            sim.yield();
            first.open();
        });
        CHECK(second.wait());
        CHECK(in_step);
    }
}

TEST_CASE("a wait for what never comes is given up") {
    simulation sim{1};
    gate never;
    CHECK_FALSE(never.wait());
    sim.executor().post([&] { sim.yield(); });
    bell later{[] {}};
    sim.clock().port()->call_at(later, sim.now() + 1s);
    CHECK_FALSE(never.wait());
    CHECK(sim.run_until_idle() == 0);
    CHECK(sim.clock().port()->cancel(later));
}

TEST_CASE("a step waits until the simulation's thread brings what it waits for") {
    simulation sim{1};
    gate one;
    gate other;
    int waits = 0;
    for (gate* each : {&one, &other}) {
        sim.executor().post([&waits, each] {
            ++waits;
            waits -= each->wait() ? 1 : 0;
        });
    }
    sim.run_until_idle();
    CHECK(waits == 2);
    CHECK(sim.run_until_idle() == 0);
    CHECK_FALSE(sim.run_one());
    gate never;
    CHECK_FALSE(never.wait());
    one.open();
    sim.run_until_idle();
    CHECK(waits == 1);
    other.open();
    CHECK(sim.run_one());
    CHECK(waits == 0);
    CHECK(sim.run_until_idle() == 0);
}

TEST_CASE("a wait with a deadline lasts until then") {
    simulation sim{1};
    const auto start = sim.now();
    auto* const main_hook = base::idle_hook::here();
    REQUIRE(main_hook != nullptr);

    bool went_on = false;
    sim.executor().post([&] {
        base::idle_hook& hook = *base::idle_hook::here();
        while (sim.now() < start + 5s) static_cast<void>(hook.go_on(start + 5s, false));
        went_on = true;
    });
    sim.run_until_idle();
    sim.advance(4s);
    CHECK_FALSE(went_on);
    sim.advance(1s);
    CHECK(went_on);

    int rung = 0;
    bell first{[&] { ++rung; }};
    bell beyond{[&] { ++rung; }};
    sim.clock().port()->call_at(first, start + 7s);
    sim.clock().port()->call_at(beyond, start + 9s);
    while (main_hook->go_on(start + 8s, false)) {}
    CHECK(sim.now() == start + 8s);
    CHECK(rung == 1);
    CHECK(sim.clock().port()->cancel(beyond));
}

TEST_CASE("handlers that are suspended have contexts of their own") {
    struct outer_event {};
    struct inner_event {};
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        simulation sim{seed};
        tidings::bus bus;
        bool parted = true;
        const auto inner = bus.subscribe([&](const inner_event&, const tidings::context& c) {
            const auto before = c.id();
            sim.yield();
            parted = parted && c.id() == before;
        });
        const auto outer = bus.subscribe([&](const outer_event&, const tidings::context& c) {
            const auto id = c.id();
            sim.yield();
            bus.publish(inner_event{});
            sim.yield();
            parted = parted && c.id() == id;
        });
        for (int n = 0; n < 5; ++n) sim.executor().post([&] { bus.publish(outer_event{}); });
        CHECK(sim.run_until_idle() == 20);
        CHECK(parted);
        CHECK(outer.stats().delivered == 5);
        CHECK(inner.stats().delivered == 5);
    }
}

TEST_CASE("an exception in a step is the step's own, though others come in between") {
    simulation sim{7};
    int right = 0;
    for (int n = 0; n < 10; ++n) {
        sim.executor().post([&, n] {
            try {
                throw n;
            } catch (int caught) {
                sim.yield();
                try {
                    std::rethrow_exception(std::current_exception());
                } catch (int again) {
                    right += caught == n && again == n;
                }
            }
        });
    }
    sim.run_until_idle();
    CHECK(right == 10);
}

TEST_CASE("only the simulation's thread runs it, between steps") {
    simulation sim{1};
    int told = 0;
    const auto refused = [&](auto call) {
        try {
            call();
        } catch (const tidings::error& e) {
            told += e.code() == tidings::errc::would_deadlock;
        }
    };
    const auto try_all = [&] {
        refused([&] { sim.run_until_idle(); });
        refused([&] { sim.run_one(); });
        refused([&] { sim.advance(1s); });
    };
    sim.executor().post(try_all);
    sim.run_until_idle();
    CHECK(told == 3);
    std::thread{try_all}.join();
    CHECK(told == 6);
}

TEST_CASE("other threads post to a simulation") {
    simulation sim{1};
    const executor_ref executor = sim.executor();
    int ran = 0;
    std::atomic<bool> over{false};
    std::thread poster{[&] {
        for (int n = 0; n < 1'000; ++n) executor.post([&] { ++ran; });
        over.store(true);
    }};
    while (!over.load()) sim.run_until_idle();
    poster.join();
    sim.run_until_idle();
    CHECK(ran == 1'000);
}

TEST_CASE("the trace tells what ran in which order") {
    simulation sim{4};
    const executor_ref executor = sim.executor();
    sim.note("it begins");
    executor.post([&] {
        sim.note("hello");
        executor.post([] {});
        sim.yield();
    });
    sim.run_until_idle();
    bell b{[&] { executor.post([] {}); }};
    sim.clock().port()->call_at(b, sim.now() + 1500ms);
    sim.advance(24h);
    gate g;
    executor.post([&] { g.wait(); });
    sim.run_until_idle();
    sim.run_until_idle();
    g.open();
    sim.run_until_idle();
    CHECK(sim.trace() ==
          "t=0s  main: it begins\n"
          "t=0s  step 1 begins, posted by main\n"
          "t=0s  step 1: hello\n"
          "t=0s  step 1 yields\n"
          "t=0s  step 1 goes on\n"
          "t=0s  step 2 begins, posted by step 1\n"
          "t=1.5s  an alarm rings\n"
          "t=1.5s  step 3 begins, posted by an alarm\n"
          "t=86400s  step 4 begins, posted by main\n"
          "t=86400s  step 4 waits\n"
          "t=86400s  step 4 goes on\n");
}

TEST_CASE("the trace keeps the last hundred thousand lines") {
    simulation sim{1};
    for (int n = 0; n < 100'010; ++n) sim.note("line " + std::to_string(n));
    const std::string text = sim.trace();
    CHECK(text.substr(0, text.find('\n', 18)) == "(10 lines before)\nt=0s  main: line 10");
    CHECK(text.substr(text.size() - 24) == "t=0s  main: line 100009\n");
}

TEST_CASE("a simulation's end destroys what has not begun, and ends what has") {
    support::watched not_run;
    bool ended = false;
    bool gave_up = false;
    int discarded = 0;
    executor_ref executor;
    clock_ref clock;
    bell never{[] {}};
    gate g;  // outlives the simulation, whose end still runs the step that waits at it
    {
        simulation sim{1};
        executor = sim.executor();
        clock = sim.clock();
        executor.post([&] {
            sim.yield();
            sim.yield();
            executor.post([end = support::at_end{[&] { ++discarded; }}] {});
            ended = true;
        });
        executor.post([&] { gave_up = !g.wait() && !g.wait(); });
        CHECK(sim.run_one());
        CHECK(sim.run_one());
        executor.post([copy = not_run.copy(), end = support::at_end{[&] {
                                                  ++discarded;
                                                  executor.post([] { FAIL(); });
                                              }}] { FAIL(); });
        CHECK(not_run.exists());
        clock.port()->call_at(never, clock.port()->now());
    }
    CHECK_FALSE(not_run.exists());
    CHECK(discarded == 2);
    CHECK(ended);
    CHECK(gave_up);
    CHECK(clock.port()->cancel(never));
    support::watched late;
    executor.post([copy = late.copy()] { FAIL(); });
    CHECK_FALSE(late.exists());
    CHECK_FALSE(executor.port()->help());
    CHECK(base::idle_hook::here() == nullptr);
}

TEST_CASE("simulations of one thread nest: waiting lets all go on, and moves nobody's time") {
    simulation outer{1};
    gate g;
    outer.executor().post([&] { g.open(); });
    bell later{[] {}};
    outer.clock().port()->call_at(later, outer.now() + 1s);
    {
        simulation inner{2};
        CHECK(g.wait());
        gate never;
        CHECK_FALSE(never.wait());
        CHECK_FALSE(base::idle_hook::here()->go_on(inner.now() + 1h, false));
        CHECK(outer.now() == simulation::time_point{});
    }
    CHECK(outer.clock().port()->cancel(later));
}

TEST_CASE("find_failing_seed() finds a lost update, and its seed replays") {
    const auto keeps_both = [](simulation& sim) {
        int balance = 0;
        for (const int cents : {1, 2}) {
            sim.executor().post([&, cents] {
                const int before = balance;
                sim.yield();
                balance = before + cents;
            });
        }
        sim.run_until_idle();
        return balance == 3;
    };
    const std::optional<std::uint64_t> seed = find_failing_seed(1'000, keeps_both);
    REQUIRE(seed.has_value());
    simulation again{*seed};
    CHECK_FALSE(keeps_both(again));
    CHECK_FALSE(find_failing_seed(100, [](simulation&) { return true; }).has_value());
    CHECK_FALSE(find_failing_seed(0, [](simulation&) { return false; }).has_value());
    CHECK(find_failing_seed(100, [](const simulation& sim) -> bool {
              if (sim.seed() == 17) throw std::runtime_error{"17"};
              return true;
          }) == 17U);
}
