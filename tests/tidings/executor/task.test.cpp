#include <tidings/executor/task.hpp>

#include "support/allocations.hpp"
#include "support/captures.hpp"
#include "support/catch.hpp"

#include <memory>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using tidings::task;

/// A job that notes what it is told.
struct noted : tidings::base::job {
    explicit noted(std::vector<bool>& to) : job{&noted::act_on}, notes{&to} {}
    static void act_on(job& self, bool run) noexcept { static_cast<noted&>(self).notes->push_back(run); }
    std::vector<bool>* notes;
};

TEST_CASE("a task calls its function once, and is empty then") {
    int calls = 0;
    support::watched capture;
    task work{[&calls, held = capture.copy()] { ++calls; }};
    CHECK(capture.exists());
    work();
    CHECK(calls == 1);
    CHECK_FALSE(capture.exists());
    work();
    CHECK(calls == 1);
}

TEST_CASE("a task that is not called tells whoever made it, at its end") {
    std::vector<bool> notes;
    noted job{notes};
    { const task work{job}; }
    CHECK(notes == std::vector<bool>{false});
    {
        task work{job};
        work();
    }
    CHECK(notes == std::vector<bool>{false, true});
}

TEST_CASE("a task moves: the job is told once, by the last that has it") {
    std::vector<bool> notes;
    noted one{notes};
    noted other{notes};
    {
        task first{one};
        task second{std::move(first)};
        task third{other};
        third = std::move(second);  // it loses its own
        CHECK(notes == std::vector<bool>{false});
        third();
    }
    CHECK(notes == std::vector<bool>{false, true});
}

TEST_CASE("a task that is released is somebody else's to tell") {
    std::vector<bool> notes;
    noted job{notes};
    {
        task work{job};
        CHECK(&work.release() == &job);
    }
    CHECK(notes.empty());
}

TEST_CASE("tasks swap") {
    std::vector<bool> here;
    std::vector<bool> there;
    noted one{here};
    noted other{there};
    task first{one};
    task second{other};
    first.swap(second);
    first();
    CHECK(here.empty());
    CHECK(there == std::vector<bool>{true});
}

TEST_CASE("a task takes what can be moved only, and is as large as a pointer") {
    STATIC_REQUIRE(sizeof(task) == sizeof(void*));
    STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<task>);
    STATIC_REQUIRE(std::is_nothrow_move_constructible_v<task>);
    STATIC_REQUIRE(std::is_constructible_v<task, void (*)()>);
    STATIC_REQUIRE_FALSE(std::is_constructible_v<task, int>);
    STATIC_REQUIRE_FALSE(std::is_constructible_v<task, void (*)(int)>);
    int seen = 0;
    task work{[&seen, owned = std::make_unique<int>(7)] { seen = *owned; }};
    work();
    CHECK(seen == 7);
}

TEST_CASE("a task for a job allocates nothing, one for a function once or not at all if that fails") {
    if (!support::counts_allocations) return;
    std::vector<bool> notes;
    notes.reserve(8);
    noted job{notes};
    auto before = support::allocated_here;
    task{job}();
    CHECK(support::allocated_here == before);
    const auto in_use = support::blocks_in_use.load();
    before = support::allocated_here;
    task{[&notes] { notes.push_back(true); }}();
    CHECK(support::allocated_here == before + 1);
    bool failed = false;
    {
        const support::failing_allocation fails{1, support::failing::once};
        try {
            const task work{[&notes] { notes.push_back(true); }};
        } catch (const std::bad_alloc&) {
            failed = true;
        }
    }
    CHECK(failed);
    CHECK(support::blocks_in_use.load() == in_use);
}

}  // namespace
