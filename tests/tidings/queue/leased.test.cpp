#include "support/captures.hpp"
#include "support/catch.hpp"

#include <tidings/queue/leased.hpp>
#include <tidings/queue/work_queue.hpp>
#include <tidings/testing/simulation.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace {

using namespace std::chrono_literals;
using tidings::leased;
using tidings::work_queue;

struct world {
    tidings::testing::simulation sim{1};
    work_queue<std::string> jobs{{.lease = 30s, .max_attempts = 3, .clock = sim.clock()}};
    leased<std::string> next() {
        auto job = jobs.try_receive();
        REQUIRE(job);
        return std::move(*job);
    }
};

static_assert(!std::is_copy_constructible_v<leased<int>> && std::is_nothrow_move_constructible_v<leased<int>> &&
              std::is_nothrow_move_assignable_v<leased<int>>);

}  // namespace

TEST_CASE("a message is settled once, and the value stays") {
    world w;
    w.jobs.push("text");
    auto job = w.next();
    CHECK(job.attempt() == 1);
    CHECK(job.ack());
    CHECK_FALSE(job.ack());
    CHECK_FALSE(job.nack());
    CHECK_FALSE(job.reject("no"));
    CHECK_FALSE(job.extend(1h));
    CHECK(job.value() == "text");
    CHECK(w.jobs.stats().acked == 1);
    CHECK(w.jobs.dead_letters().empty());
}

TEST_CASE("a nack brings a message back, with one attempt more and behind the others") {
    world w;
    w.jobs.push("one");
    w.jobs.push("two");
    CHECK(w.next().nack());
    CHECK(w.next().value() == "two");  // destroyed unsettled: a nack, too
    auto one = w.next();
    CHECK(one.value() == "one");
    CHECK(one.attempt() == 2);
    auto two = w.next();
    CHECK(two.value() == "two");
    CHECK(two.attempt() == 2);
}

TEST_CASE("a nack with a delay brings it back when that is over, and not before") {
    world w;
    w.jobs.push("text");
    CHECK(w.next().nack(5s));
    CHECK(w.jobs.stats().delayed == 1);
    w.sim.advance(5s - 1ns);
    CHECK_FALSE(w.jobs.try_receive());
    w.sim.advance(1ns);
    CHECK(w.next().attempt() == 2);
}

TEST_CASE("with the last attempt a message becomes a dead letter, by a nack and by a lease that runs out") {
    world w;
    w.jobs.push("text");
    CHECK(w.next().nack({}, "first"));
    CHECK(w.next().nack());
    CHECK(w.next().nack(1h, "third"));
    CHECK_FALSE(w.jobs.try_receive());
    REQUIRE(w.jobs.dead_letters().size() == 1);
    CHECK(w.jobs.dead_letters().list().front().error == "third");
    CHECK(w.jobs.dead_letters().list().front().attempts == 3);

    w.jobs.push("slow");
    for (unsigned n = 1; n <= 3; ++n) {
        auto job = w.next();
        CHECK(job.attempt() == n);
        w.sim.advance(30s);
        CHECK_FALSE(job.ack());
    }
    CHECK_FALSE(w.jobs.try_receive());
    REQUIRE(w.jobs.dead_letters().size() == 2);
    CHECK(w.jobs.dead_letters().list().back().error == "the lease ran out");
    CHECK(w.jobs.stats().expired == 3);
}

TEST_CASE("a lease holds until it has run out, and not longer") {
    world w;
    w.jobs.push("text");
    auto job = w.next();
    w.sim.advance(30s - 1ns);
    CHECK_FALSE(w.jobs.try_receive());
    w.sim.advance(1ns);
    auto other = w.next();
    CHECK(other.attempt() == 2);
    CHECK(job.attempt() == 1);
    CHECK_FALSE(job.extend(1h));
    CHECK_FALSE(job.reject("late"));
    CHECK(&job.value() == &other.value());
    CHECK(other.ack());
    CHECK(job.value() == "text");
}

TEST_CASE("a lease can be made longer, and shorter") {
    world w;
    w.jobs.push("text");
    auto job = w.next();
    w.sim.advance(20s);
    CHECK(job.extend(30s));
    w.sim.advance(30s - 1ns);
    CHECK(job.extend(1h));
    w.sim.advance(59min);
    CHECK(job.extend(1s));
    CHECK_FALSE(w.jobs.try_receive());
    w.sim.advance(1s);
    CHECK(w.next().attempt() == 2);
    CHECK_FALSE(job.ack());
}

TEST_CASE("a lease that was moved is the other object's") {
    world w;
    w.jobs.push("one");
    w.jobs.push("two");
    auto one = w.next();
    auto moved = std::move(one);
    CHECK(moved.value() == "one");
    moved = w.next();  // what it had is nacked
    CHECK(moved.value() == "two");
    CHECK(w.jobs.stats().ready == 1);
    CHECK(moved.ack());
}

TEST_CASE("a message is destroyed with its acknowledgement and its last lease") {
    support::watched value;
    tidings::testing::simulation sim{1};
    work_queue<std::shared_ptr<int>> jobs{{.clock = sim.clock()}};
    jobs.push(value.copy());
    auto late = jobs.try_receive();
    sim.advance(30s);
    auto job = jobs.try_receive();
    CHECK(job->ack());
    job.reset();
    CHECK(value.exists());
    late.reset();
    CHECK_FALSE(value.exists());
}

TEST_CASE("a lease that nobody settles wakes who waits for the message, on real time") {
    work_queue<int> jobs{{.lease = 2ms}};
    jobs.push(1);
    auto job = jobs.receive();
    auto other = jobs.receive();
    REQUIRE(other);
    CHECK(other->attempt() == 2);
    CHECK_FALSE(job->ack());
}
