#include <tidings/executor/executor.hpp>

#include "support/captures.hpp"
#include "support/catch.hpp"

#include <concepts>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

namespace {

using tidings::executor_ref;
using tidings::task;

/// A user's own.
struct event_loop {
    std::vector<task> posted;
    void post(task work) { posted.push_back(std::move(work)); }
};

struct full {
    void post(task) { throw std::runtime_error{"full"}; }
};

/// One of the library's kind: with a port that may live longer.
struct ported {
    struct state final : tidings::detail::executor_port {
        int posts = 0;
        void post(task work) noexcept override {
            ++posts;
            work();
        }
        unsigned width() const noexcept override { return 3; }
    };
    std::shared_ptr<state> shared = std::make_shared<state>();
    void post(task work) { shared->post(std::move(work)); }
    std::shared_ptr<tidings::detail::executor_port> port() const { return shared; }
};

TEST_CASE("whatever a task can be posted to is an executor") {
    STATIC_REQUIRE(tidings::executor<event_loop>);
    STATIC_REQUIRE(tidings::executor<ported>);
    STATIC_REQUIRE(tidings::executor<const executor_ref>);
    STATIC_REQUIRE_FALSE(tidings::executor<int>);
    STATIC_REQUIRE_FALSE(tidings::executor<const event_loop>);
    STATIC_REQUIRE_FALSE(std::convertible_to<event_loop, executor_ref>);  // a temporary
    STATIC_REQUIRE(std::convertible_to<event_loop&, executor_ref>);
}

TEST_CASE("a reference is empty at first") {
    const executor_ref none;
    CHECK_FALSE(static_cast<bool>(none));
    CHECK(none.port() == nullptr);
}

TEST_CASE("a reference posts to a user's executor") {
    event_loop loop;
    const executor_ref to = loop;
    CHECK(static_cast<bool>(to));
    int calls = 0;
    to.post([&] { ++calls; });
    REQUIRE(loop.posted.size() == 1);
    CHECK(calls == 0);
    loop.posted.front()();
    CHECK(calls == 1);
}

TEST_CASE("of a user's executor the least is assumed") {
    event_loop loop;
    const executor_ref to = loop;
    CHECK_FALSE(to.port()->runs_here());
    CHECK_FALSE(to.port()->help());
    CHECK(to.port()->width() == 1);
    CHECK(to.port()->batch() > 1);
}

TEST_CASE("references to one user's executor are known to be to the same, and ask it who runs its tasks") {
    struct telling_loop : event_loop {
        bool running = false;
        bool runs_here() const noexcept { return running; }
    };
    telling_loop loop;
    event_loop other;
    const executor_ref first = loop;
    const executor_ref second = loop;
    CHECK(first.port()->mark().address == second.port()->mark().address);
    CHECK(first.port()->mark().address != executor_ref{other}.port()->mark().address);
    CHECK_FALSE(first.port()->runs_here());
    loop.running = true;
    CHECK(first.port()->runs_here());
}

TEST_CASE("a user's executor that throws has not taken the task, which is destroyed") {
    full none;
    const executor_ref to = none;
    support::watched capture;
    int calls = 0;
    to.post([&calls, held = capture.copy()] { ++calls; });
    CHECK(calls == 0);
    CHECK_FALSE(capture.exists());
}

TEST_CASE("a reference to one of the library's keeps its state, and copies refer to the same") {
    executor_ref kept;
    std::weak_ptr<ported::state> state;
    {
        ported home;
        state = home.shared;
        kept = home;
        const executor_ref copy = kept;
        CHECK(copy.port() == home.shared);
        CHECK(copy.port()->width() == 3);
    }
    int calls = 0;
    kept.post([&] { ++calls; });
    CHECK(calls == 1);
    CHECK(state.lock()->posts == 1);
    kept = executor_ref{};
    CHECK(state.expired());
}

}  // namespace
