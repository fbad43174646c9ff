#include "support/captures.hpp"
#include "support/catch.hpp"

#include <tidings/queue/dead_messages.hpp>
#include <tidings/queue/work_queue.hpp>
#include <tidings/testing/simulation.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using tidings::overflow;
using tidings::work_queue;

struct world {
    tidings::testing::simulation sim{1};
    work_queue<std::string> jobs{
        {.capacity = 2, .when_full = overflow::reject, .max_attempts = 2, .dead_letters = 2, .clock = sim.clock()}};

    void bury(std::string text, const char* why = "no") {
        REQUIRE(jobs.push(std::move(text)) == tidings::push_result::queued);
        REQUIRE(jobs.try_receive()->reject(why));
    }
};

}  // namespace

TEST_CASE("a dead letter says what is known of the message") {
    world w;
    w.sim.advance(1s);
    w.jobs.push("text", {.priority = 3});
    CHECK(w.jobs.try_receive()->nack());
    w.sim.advance(2s);
    CHECK(w.jobs.try_receive()->reject("broken"));
    const auto all = w.jobs.dead_letters().list();
    REQUIRE(all.size() == 1);
    CHECK(all[0].id == 1);
    CHECK(all[0].error == "broken");
    CHECK(all[0].attempts == 2);
    CHECK(all[0].priority == 3);
    const auto began = w.sim.clock().port()->system_now() - 3s;
    CHECK(all[0].pushed == began + 1s);
    CHECK(all[0].died == began + 3s);
    CHECK(all[0].earlier.empty());
    std::string seen;
    CHECK(w.jobs.dead_letters().inspect(1, [&](const std::string& text) { seen = text; }));
    CHECK(seen == "text");
    CHECK_FALSE(w.jobs.dead_letters().inspect(2, [&](const std::string&) { seen.clear(); }));
    CHECK(seen == "text");
}

TEST_CASE("a dead letter that is redriven begins anew, and its history stays") {
    world w;
    w.bury("text", "first");
    w.sim.advance(1s);
    auto dead = w.jobs.dead_letters();
    CHECK_FALSE(dead.redrive(7));
    CHECK(dead.redrive(1));
    CHECK_FALSE(dead.redrive(1));
    CHECK(dead.empty());
    for (unsigned n = 1; n <= 2; ++n) {
        auto job = w.jobs.try_receive();
        REQUIRE(job);
        CHECK(job->attempt() == n);
        CHECK(job->value() == "text");
    }
    CHECK(dead.redrive_all() == 1);
    CHECK(w.jobs.try_receive()->reject("third"));
    const auto all = dead.list();
    REQUIRE(all.size() == 1);
    CHECK(all[0].id == 1);
    CHECK(all[0].error == "third");
    CHECK(all[0].attempts == 1);
    REQUIRE(all[0].earlier.size() == 2);
    CHECK(all[0].earlier[0].error == "first");
    CHECK(all[0].earlier[0].attempts == 1);
    CHECK(all[0].earlier[1].error == "nack");
    CHECK(all[0].earlier[1].attempts == 2);
    CHECK(all[0].earlier[1].died == all[0].earlier[0].died + 1s);
}

TEST_CASE("the oldest dead letter makes room for one more, and is counted") {
    world w;
    w.bury("one");
    w.bury("two");
    w.bury("three");
    CHECK(w.jobs.dead_letters().list().front().id == 2);
    CHECK(w.jobs.dead_letters().size() == 2);
    CHECK(w.jobs.stats().evicted == 1);
    CHECK(w.jobs.stats().discarded == 1);
    work_queue<int> none{{.dead_letters = 0}};
    none.push(1);
    CHECK(none.try_receive()->reject("no"));
    CHECK(none.dead_letters().empty());
    CHECK(none.stats().accounted() == 1);
}

TEST_CASE("a dead letter takes no place, and gets none in a full or closed queue") {
    world w;
    w.bury("one");
    w.bury("two");
    w.jobs.push("three");
    CHECK(w.jobs.dead_letters().redrive_all() == 1);
    CHECK(w.jobs.stats().ready == 2);
    CHECK_FALSE(w.jobs.dead_letters().redrive(2));
    CHECK(w.jobs.try_receive()->ack());
    w.jobs.close();
    CHECK_FALSE(w.jobs.dead_letters().redrive(2));
    CHECK(w.jobs.dead_letters().discard(2));
    CHECK_FALSE(w.jobs.dead_letters().discard(2));
    CHECK(w.jobs.stats().discarded == 1);
}

TEST_CASE("dead letters may go from anywhere, and the others stay in order") {
    work_queue<int> jobs;
    const auto bury = [&] {
        jobs.push(0);
        jobs.try_receive()->reject("no");
    };
    const auto ids = [&] {
        std::vector<std::uint64_t> all;
        for (const auto& each : jobs.dead_letters().list()) all.push_back(each.id);
        return all;
    };
    for (int n = 0; n < 4; ++n) bury();
    CHECK(jobs.dead_letters().discard(4));
    bury();
    CHECK(ids() == std::vector<std::uint64_t>{1, 2, 3, 5});
    CHECK(jobs.dead_letters().discard(2));
    CHECK(jobs.dead_letters().discard(1));
    CHECK(ids() == std::vector<std::uint64_t>{3, 5});
    CHECK(jobs.dead_letters().redrive(5));
    CHECK(jobs.dead_letters().discard(3));
    bury();
    CHECK(ids() == std::vector<std::uint64_t>{5});  // the redriven one was received first
}

TEST_CASE("a redriven message wakes the workers, and comes behind what is ready") {
    world w;
    w.bury("one");
    std::string seen;
    auto crew = w.jobs.consume([&](const std::string& text) { seen += text; }, {.executor = w.sim.executor()});
    w.sim.run_until_idle();
    CHECK(w.jobs.dead_letters().redrive(1));
    w.sim.run_until_idle();
    CHECK(seen == "one");
}

TEST_CASE("a dead message is destroyed when it is discarded, evicted, or its queue ends") {
    support::watched discarded;
    support::watched evicted;
    support::watched left;
    {
        work_queue<std::shared_ptr<int>> jobs{{.dead_letters = 1}};
        const auto bury = [&](std::shared_ptr<int> value) {
            jobs.push(std::move(value));
            jobs.try_receive()->reject(std::string(5'000, 'x'));
        };
        bury(discarded.copy());
        CHECK(jobs.dead_letters().list().front().error.size() == 1'024);
        CHECK(discarded.exists());
        CHECK(jobs.dead_letters().discard(1));
        CHECK_FALSE(discarded.exists());
        bury(evicted.copy());
        bury(left.copy());
        CHECK_FALSE(evicted.exists());
        CHECK(left.exists());
    }
    CHECK_FALSE(left.exists());
}

TEST_CASE("no message is destroyed where the clock rings: the next who comes does it") {
    support::watched evicted;
    tidings::testing::simulation sim{1};
    work_queue<std::shared_ptr<int>> jobs{{.lease = 1s, .max_attempts = 1, .dead_letters = 1, .clock = sim.clock()}};
    auto crew =
        jobs.consume([](const std::shared_ptr<int>&, auto& job) { job.reject("no"); }, {.executor = sim.executor()});
    jobs.push(evicted.copy());
    sim.run_until_idle();
    jobs.push(nullptr);
    auto runs_out = jobs.try_receive();
    REQUIRE(runs_out);
    sim.advance(1s);
    CHECK(evicted.exists());
    CHECK(jobs.stats().evicted == 1);
    CHECK_FALSE(evicted.exists());
}
