#include <tidings/executor/manual_executor.hpp>

#include "support/allocations.hpp"
#include "support/captures.hpp"
#include "support/catch.hpp"
#include "support/waiting.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using support::flag;
using support::wait_until;
using tidings::executor_ref;
using tidings::manual_executor;

TEST_CASE("nothing runs until the loop says so, then everything in order, on its thread") {
    manual_executor loop;
    std::vector<int> order;
    std::thread poster{[&] {
        for (int n = 0; n < 3; ++n) {
            loop.post([&, n, home = std::this_thread::get_id()] {
                CHECK(home != std::this_thread::get_id());
                order.push_back(n);
            });
        }
    }};
    poster.join();
    CHECK(order.empty());
    CHECK(loop.size() == 3);
    CHECK(loop.run() == 3);
    CHECK(order == std::vector<int>{0, 1, 2});
    CHECK(loop.size() == 0);
    CHECK(loop.run() == 0);
}

TEST_CASE("run() runs what tasks post, behind what waits") {
    manual_executor loop;
    std::vector<int> order;
    loop.post([&] {
        order.push_back(1);
        loop.post([&] { order.push_back(3); });
    });
    loop.post([&] { order.push_back(2); });
    CHECK(loop.run() == 3);
    CHECK(order == std::vector<int>{1, 2, 3});
}

TEST_CASE("run_one() runs the next task only") {
    manual_executor loop;
    int run = 0;
    CHECK_FALSE(loop.run_one());
    for (int n = 0; n < 2; ++n) loop.post([&] { ++run; });
    CHECK(loop.run_one());
    CHECK(run == 1);
    CHECK(loop.run_one());
    CHECK_FALSE(loop.run_one());
    CHECK(run == 2);
}

TEST_CASE("run_for() ends with its budget, also if tasks do not, but runs one at least") {
    manual_executor loop;
    struct again {
        manual_executor* loop;
        int* run;
        void operator()() {
            ++*run;
            loop->post(again{*this});
        }
    };
    int run = 0;
    loop.post(again{&loop, &run});
    CHECK(loop.run_for(0ns) == 1);
    CHECK(run == 1);
    CHECK(loop.run_for(-1s) == 1);
    const auto begin = std::chrono::steady_clock::now();
    CHECK(loop.run_for(2ms) >= 1);
    CHECK(std::chrono::steady_clock::now() - begin >= 2ms);
    CHECK(loop.size() == 1);
    manual_executor other;
    other.post([] {});
    other.post([] {});
    CHECK(other.run_for(std::chrono::nanoseconds::max()) == 2);
    CHECK(other.run_for(1h) == 0);  // and does not wait
}

TEST_CASE("wait_for() returns when there is a task, or in time") {
    manual_executor loop;
    CHECK_FALSE(loop.wait_for(0ns));
    CHECK_FALSE(loop.wait_for(1ms));
    CHECK_FALSE(loop.wait_for(-1s));
    std::thread poster{[&] { loop.post([] {}); }};
    CHECK(loop.wait_for(std::chrono::nanoseconds::max()));
    CHECK(loop.wait_for(0ns));
    poster.join();
    CHECK(loop.run() == 1);
    CHECK_FALSE(loop.wait_for(0ns));
}

TEST_CASE("on_post is called when the queue turns non-empty, by the poster, and may use the executor") {
    int calls = 0;
    std::size_t seen = 0;
    std::thread::id caller;
    std::optional<manual_executor> loop;
    loop.emplace([&] {
        ++calls;
        seen = loop->size();
        caller = std::this_thread::get_id();
    });
    std::thread poster{[&] {
        loop->post([] {});
        CHECK(caller == std::this_thread::get_id());
        loop->post([] {});
    }};
    poster.join();
    CHECK(calls == 1);
    CHECK(seen == 1);
    CHECK(loop->run_one());
    loop->post([] {});
    CHECK(calls == 1);  // it was not empty
    CHECK(loop->run() == 2);
    loop->post([] {});
    CHECK(calls == 2);
}

TEST_CASE("the loop's own thread helps: the one that made it, or ran it last; not from inside a task") {
    manual_executor loop;
    const executor_ref to{loop};
    CHECK_FALSE(to.port()->help());
    CHECK_FALSE(to.port()->runs_here());
    int run = 0;
    bool inside = false;
    bool helped = false;
    const auto post = [&] {
        to.post([&] {
            ++run;
            inside = to.port()->runs_here();
            to.post([] {});
            helped = to.port()->help();
        });
    };
    post();
    CHECK(to.port()->help());
    CHECK(run == 1);
    CHECK(inside);
    CHECK_FALSE(helped);
    CHECK_FALSE(to.port()->runs_here());
    CHECK(loop.size() == 1);
    std::thread{[&] {
        CHECK_FALSE(to.port()->help());
        CHECK(loop.run() == 1);
        post();
        CHECK(to.port()->help());
    }}.join();
    CHECK(run == 2);
    CHECK_FALSE(to.port()->help());
    CHECK(loop.run() == 1);
    CHECK(to.port()->width() == 1);
}

TEST_CASE("a task may run the others, inside it") {
    manual_executor loop;
    std::vector<int> order;
    loop.post([&] {
        order.push_back(1);
        CHECK(loop.run() == 1);
        CHECK(loop.port()->runs_here());
        order.push_back(3);
    });
    loop.post([&] { order.push_back(2); });
    CHECK(loop.run() == 1);
    CHECK(order == std::vector<int>{1, 2, 3});
}

TEST_CASE("loops nest: each knows its own tasks") {
    manual_executor outer;
    manual_executor inner;
    bool right = false;
    outer.post([&] {
        inner.post([&] { right = inner.port()->runs_here() && outer.port()->runs_here(); });
        right = inner.port()->help() && right && !inner.port()->runs_here() && outer.port()->runs_here();
    });
    outer.run();
    CHECK(right);
}

TEST_CASE("the end destroys what waits, and what comes later") {
    executor_ref kept;
    support::watched waits;
    support::watched late;
    support::watched told;
    int calls = 0;
    {
        manual_executor loop{[held = told.copy()] {}};
        kept = loop;
        loop.post([&calls, held = waits.copy(),
                   end = support::at_end{[kept] { kept.post([] { FAIL("it has ended"); }); }}] { ++calls; });
        CHECK(waits.exists());
    }
    CHECK_FALSE(waits.exists());
    CHECK_FALSE(told.exists());
    kept.post([&calls, held = late.copy()] { ++calls; });
    CHECK_FALSE(late.exists());
    CHECK_FALSE(kept.port()->help());
    CHECK(calls == 0);
}

TEST_CASE("a task may destroy its loop: those behind it are destroyed") {
    auto loop = std::make_unique<manual_executor>();
    int run = 0;
    int ended = 0;
    loop->post([&] {
        ++run;
        loop.reset();
        CHECK(ended == 1);
    });
    loop->post([&, end = support::at_end{[&] { ++ended; }}] { ++run; });
    CHECK(loop->run() == 1);
    CHECK(run == 1);
}

TEST_CASE("the end waits for a task that runs elsewhere") {
    std::optional<manual_executor> loop{std::in_place};
    flag inside;
    flag go;
    std::atomic<bool> ended{false};
    loop->post([&] {
        inside.raise();
        go.wait();
        ended = true;
    });
    std::thread runner{[port = loop->port(), &loop = *loop] { loop.run_one(); }};
    inside.wait();
    loop->post([end = support::at_end{[&] { go.raise(); }}] {});  // destroyed before it waits
    loop.reset();
    CHECK(ended);
    runner.join();
}

TEST_CASE("a loop in a poll of its own misses nothing") {
    std::atomic<bool> woken{false};
    manual_executor loop{[&] { woken = true; }};
    constexpr std::size_t each = 5'000;
    const auto post = [&] {
        for (std::size_t n = 0; n < each; ++n) loop.post([] {});
    };
    std::thread one{post};
    std::thread other{post};
    for (std::size_t run = 0; run < 2 * each; run += loop.run()) wait_until([&] { return woken.exchange(false); });
    one.join();
    other.join();
    CHECK(loop.size() == 0);
}

TEST_CASE("posting and running allocate nothing") {
    if (!support::counts_allocations) return;
    struct job : tidings::base::job {
        job() : tidings::base::job{&job::act_on} {}
        static void act_on(tidings::base::job& self, bool run) noexcept { static_cast<job&>(self).run = run; }
        bool run = false;
    };
    manual_executor loop{[] {}};
    job one;
    const auto before = support::allocated_here;
    loop.post(tidings::task{one});
    loop.run();
    CHECK(support::allocated_here == before);
    CHECK(one.run);
}

TEST_CASE("a manual executor keeps its address") {
    STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<manual_executor>);
    STATIC_REQUIRE_FALSE(std::is_move_constructible_v<manual_executor>);
}

}  // namespace
