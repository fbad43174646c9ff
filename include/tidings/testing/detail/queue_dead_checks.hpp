/// When a queue gives up, and what becomes of the message.
#pragma once

#include <tidings/queue/dead_message.hpp>
#include <tidings/testing/detail/queue_lease_checks.hpp>
#include <tidings/testing/detail/queue_under_test.hpp>
#include <tidings/testing/message_queue_guarantees.hpp>

#include <string>
#include <string_view>

namespace tidings::testing::detail {

template <class Make>
void check_last_attempt(const queue_maker<Make>& maker) {
    constexpr const char* promise = "the last attempt ends among the dead letters";
    queue_under_test<Make> queue{maker, {.lease = lease_time, .max_attempts = 3}};
    queue.push("one");
    for (unsigned n = 1; n <= 3; ++n) {
        expect(queue.dead().empty(), promise, "there are dead letters before");
        auto got = queue.receive();
        expect_equal(got.attempt(), n, "attempts are counted from 1", "an attempt");
        got.nack({}, "error " + std::to_string(n));
    }
    expect(queue.gives_nothing(), promise, "it was received once more");
    const dead_message dead = queue.the_dead_one();
    expect_equal(dead.attempts, 3U, promise, "its attempts");
    expect(dead.error == "error 3", "a dead letter has the last error", "it has another");
    expect_equal(queue.stats().dead, std::uint64_t{1}, "the account adds up", "dead");
}

template <class Make>
void check_last_lease(const queue_maker<Make>& maker) {
    queue_under_test<Make> queue{maker, {.lease = lease_time, .max_attempts = 1}};
    queue.push("one");
    auto late = queue.receive();
    queue.sim().advance(2 * lease_time);
    expect(queue.gives_nothing(), "attempts are bounded where leases run out", "it was received once more");
    queue.the_dead_one();
    expect(!late.ack(), "a late ack() is refused", "it was accepted");
    expect_equal(queue.stats().dead, std::uint64_t{1}, "a late ack() is refused", "dead letters after it");
}

template <class Make>
void check_reject(const queue_maker<Make>& maker) {
    queue_under_test<Make> queue{maker};
    queue.push("one");
    const std::string why(maker.guarantees.error_text + 1'000, 'x');
    expect(queue.receive().reject(why), "a lease is its receiver's until it ends", "reject() was refused");
    expect(queue.gives_nothing(), "what is rejected is not received again", "it was");
    const dead_message dead = queue.the_dead_one();
    expect(dead.error.size() >= maker.guarantees.error_text && why.starts_with(dead.error),
           "a dead letter has the error it was rejected with", "it has another, or less of it");
    expect(!queue->dead_letters().discard(dead.id + 1), "only what is there can be discarded", "something else was");
    expect(queue->dead_letters().discard(dead.id), "a dead letter can be discarded", "it could not");
    expect(!queue->dead_letters().discard(dead.id), "only what is there can be discarded", "it was discarded twice");
    expect_equal(queue.stats().discarded, std::uint64_t{1}, "the account adds up", "discarded");
}

template <class Make>
void check_redrive(const queue_maker<Make>& maker) {
    if (!maker.promises(&message_queue_guarantees::redrive)) return;
    queue_under_test<Make> queue{maker, {.max_attempts = 2}};
    queue.push("one");
    queue.receive().nack();
    queue.receive().nack({}, "once");
    const std::uint64_t id = queue.the_dead_one().id;
    expect(!queue->dead_letters().redrive(id + 1), "only what is there can be redriven", "something else was");
    expect(queue->dead_letters().redrive(id), "a dead letter can be redriven", "it could not");
    expect(!queue->dead_letters().redrive(id), "only what is there can be redriven", "it was redriven twice");
    expect(queue.dead().empty(), "what is redriven is no dead letter", "it still is");
    auto again = queue.receive();
    expect_equal(again.attempt(), 1U, "a redrive begins with attempt 1", "it began with");
    again.reject("twice");
    const dead_message dead = queue.the_dead_one();
    expect_equal(dead.id, id, "a redrive keeps the id", "id");
    expect_equal(dead.attempts, 1U, "a redrive begins with attempt 1", "attempts of the dead letter");
    expect(dead.earlier.size() == 1 && dead.earlier.front().error == "once" && dead.earlier.front().attempts == 2,
           "a dead letter tells of its earlier deaths", "it does not");
}

template <class Make>
void check_bound_of_dead(const queue_maker<Make>& maker) {
    queue_under_test<Make> queue{maker, {.dead_letters = 2}};
    for (const char* each : {"first", "second", "third"}) {
        queue.push(each);
        queue.receive().reject(each);
    }
    const auto dead = queue.dead();
    const bool is_bounded = maker.promises(&message_queue_guarantees::dead_letter_bound);
    if (is_bounded) expect_equal(dead.size(), std::size_t{2}, "dead letters are bounded", "dead letters");
    expect(dead.size() >= 2 && dead[dead.size() - 2].error == "second" && dead.back().error == "third",
           "dead letters are listed with the oldest first", "they are not");
    expect_equal(queue.stats().evicted, std::uint64_t{is_bounded ? 1U : 0U}, "the account adds up", "evicted");
}

template <class Make>
void check_dead_letters(const queue_maker<Make>& maker) {
    check_last_attempt(maker);
    check_last_lease(maker);
    check_reject(maker);
    check_redrive(maker);
    check_bound_of_dead(maker);
}

}  // namespace tidings::testing::detail
