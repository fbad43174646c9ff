#include <tidings/base/job.hpp>

#include "support/catch.hpp"

#include <type_traits>
#include <vector>

namespace {

using tidings::base::job;
using tidings::base::job_queue;

struct noted : job {
    noted(int n, std::vector<int>& to) : job{&noted::act_on}, number{n}, notes{&to} {}
    static void act_on(job& self, bool run) noexcept {
        auto& mine = static_cast<noted&>(self);
        mine.notes->push_back(run ? mine.number : -mine.number);
    }
    int number;
    std::vector<int>* notes;
};

TEST_CASE("a queue of jobs gives them back in the order in which they came") {
    std::vector<int> notes;
    noted one{1, notes};
    noted two{2, notes};
    noted three{3, notes};
    job_queue queue;
    CHECK(queue.empty());
    CHECK(queue.pop() == nullptr);
    queue.push(one);
    queue.push(two);
    CHECK_FALSE(queue.empty());
    CHECK(queue.pop() == &one);
    queue.push(three);
    CHECK(queue.pop() == &two);
    CHECK(queue.pop() == &three);
    CHECK(queue.pop() == nullptr);
    CHECK(queue.empty());
}

TEST_CASE("a job stands in a queue again as soon as it was taken, and in one that was empty in between") {
    std::vector<int> notes;
    noted one{1, notes};
    noted two{2, notes};
    job_queue queue;
    for (int round = 0; round < 3; ++round) {
        queue.push(one);
        queue.push(two);
        CHECK(queue.pop() == &one);
        queue.push(one);
        CHECK(queue.pop() == &two);
        CHECK(queue.pop() == &one);
        CHECK(queue.empty());
    }
}

TEST_CASE("a job is told whether it runs") {
    std::vector<int> notes;
    noted one{1, notes};
    one.act(one, true);
    one.act(one, false);
    CHECK(notes == std::vector<int>{1, -1});
}

TEST_CASE("a job and a queue keep their addresses: they are linked by them") {
    STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<job>);
    STATIC_REQUIRE_FALSE(std::is_move_constructible_v<job>);
    STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<job_queue>);
    STATIC_REQUIRE_FALSE(std::is_move_constructible_v<job_queue>);
    STATIC_REQUIRE_FALSE(std::is_destructible_v<job>);
}

}  // namespace
