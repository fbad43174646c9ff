#include <tidings/executor/inline_executor.hpp>

#include "support/allocations.hpp"
#include "support/captures.hpp"
#include "support/catch.hpp"
#include "support/waiting.hpp"

#include <memory>
#include <thread>
#include <vector>

namespace {

using tidings::executor_ref;
using tidings::inline_executor;

TEST_CASE("a task runs before post() returns, on the thread that posts it") {
    inline_executor here;
    std::thread::id ran_on;
    std::thread poster{[&] {
        here.post([&] { ran_on = std::this_thread::get_id(); });
        CHECK(ran_on == std::this_thread::get_id());
    }};
    poster.join();
    CHECK(ran_on != std::thread::id{});
}

TEST_CASE("what a task posts runs after it, in order, and before the outermost post() returns") {
    inline_executor here;
    std::vector<int> order;
    here.post([&] {
        here.post([&] {
            order.push_back(2);
            here.post([&] { order.push_back(4); });
        });
        here.post([&] { order.push_back(3); });
        order.push_back(1);
    });
    CHECK(order == std::vector<int>{1, 2, 3, 4});
}

TEST_CASE("tasks that post tasks do not fill the stack") {
    inline_executor here;
    struct chain {
        inline_executor* here;
        int* left;
        void operator()() {
            if (--*left > 0) here->post(chain{*this});
        }
    };
    int left = 1'000'000;
    here.post(chain{&here, &left});
    CHECK(left == 0);
}

TEST_CASE("an inline executor knows whether the thread is inside one of its tasks") {
    inline_executor one;
    inline_executor other;
    CHECK_FALSE(one.port()->runs_here());
    std::vector<bool> seen;
    one.post([&] {
        seen.push_back(one.port()->runs_here());
        seen.push_back(other.port()->runs_here());
        other.post([&] {
            seen.push_back(one.port()->runs_here());
            seen.push_back(other.port()->runs_here());
            one.post([&] { seen.push_back(other.port()->runs_here()); });  // waits for the outer one's turn
            CHECK(seen.size() == 4);
        });
        std::thread{[&] { seen.push_back(one.port()->runs_here()); }}.join();
    });
    CHECK(seen == std::vector<bool>{true, false, true, true, false, false});
    CHECK_FALSE(one.port()->runs_here());
    CHECK_FALSE(one.port()->help());
}

TEST_CASE("tasks of several threads run at the same time") {
    inline_executor here;
    support::flag first;
    support::flag second;
    std::thread other{[&] {
        here.post([&] {
            first.raise();
            second.wait();
        });
    }};
    first.wait();
    here.post([&] { second.raise(); });
    other.join();
}

TEST_CASE("destroying it changes nothing for a reference, nor for tasks that wait") {
    auto here = std::make_unique<inline_executor>();
    const executor_ref kept{*here};
    int run = 0;
    here->post([&] {
        kept.post([&] { ++run; });
        here.reset();
        kept.post([&] { ++run; });
    });
    CHECK(run == 2);
    kept.post([&] { ++run; });
    CHECK(run == 3);
}

TEST_CASE("the last reference may go inside a task, and another executor come in its place") {
    auto here = std::make_unique<inline_executor>();
    std::vector<int> order;
    here->post([&] {
        here.reset();
        here = std::make_unique<inline_executor>();
        here->post([&] { order.push_back(1); });  // inside no task of the new one
        order.push_back(2);
    });
    CHECK(order == std::vector<int>{1, 2});
}

TEST_CASE("a task's captures end before post() returns, and posting allocates nothing") {
    inline_executor here;
    support::watched capture;
    here.post([held = capture.copy()] {});
    CHECK_FALSE(capture.exists());
    if (!support::counts_allocations) return;
    struct job : tidings::base::job {
        job() : tidings::base::job{&job::act_on} {}
        static void act_on(tidings::base::job& self, bool run) noexcept { static_cast<job&>(self).run = run; }
        bool run = false;
    };
    job one;
    const auto before = support::allocated_here;
    here.post(tidings::task{one});
    CHECK(support::allocated_here == before);
    CHECK(one.run);
}

}  // namespace
