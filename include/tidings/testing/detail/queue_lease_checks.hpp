/// Who has a message, and for how long.
#pragma once

#include <tidings/queue/work_queue_stats.hpp>
#include <tidings/testing/detail/queue_under_test.hpp>

#include <chrono>
#include <optional>
#include <utility>

namespace tidings::testing::detail {

inline constexpr std::chrono::seconds lease_time{30};

template <class Make>
void check_one_receiver(const queue_maker<Make>& maker) {
    queue_under_test<Make> queue{maker, {.lease = lease_time}};
    queue.push("one");
    auto mine = queue.receive();
    expect(queue.gives_nothing(), "a message is leased to one receiver at a time", "a second one has it");
    expect_equal(queue.stats().leased, std::uint64_t{1}, "the account adds up", "leased");
    auto moved = std::move(mine);
    expect(moved.ack(), "a lease is its receiver's until it ends", "ack() was refused after a move");
    expect(!moved.ack() && !moved.nack() && !moved.reject("twice"), "a lease settles once",
           "a second settlement was accepted");
    expect(!moved.extend(lease_time), "a lease that was settled cannot be extended", "it was");
    expect(queue.gives_nothing(), "a message that was acknowledged has gone", "something was received");
    expect_equal(queue.stats().acked, std::uint64_t{1}, "a lease settles once", "acked");
}

template <class Make>
void check_takeover(const queue_maker<Make>& maker) {
    queue_under_test<Make> queue{maker, {.lease = lease_time}};
    queue.push("one");
    auto late = queue.receive();
    std::optional<typename queue_under_test<Make>::lease> next;
    queue.expect_after(lease_time, "a lease ends at its time, and never before", [&] {
        auto got = queue->try_receive();
        if (got) next.emplace(std::move(*got));
        return next.has_value();
    });
    expect_equal(next->attempt(), 2U, "attempts are counted from 1", "the attempt after a lease ran out");
    expect_equal(queue.stats().expired, std::uint64_t{1}, "the account adds up", "expired");
    const work_queue_stats before = queue.stats();
    expect(!late.ack(), "a late ack() is refused", "it was accepted");
    expect(!late.nack() && !late.reject("late"), "a late nack() or reject() is refused", "it was accepted");
    expect(!late.extend(2 * lease_time), "a late extend() is refused", "it was accepted");
    expect(queue.stats() == before, "what is refused changes nothing", "the account is another");
    { const auto gone = std::move(late); }
    expect(queue.gives_nothing(), "what is refused changes nothing", "the message was received a third time");
    expect(next->ack(), "a lease is its receiver's until it ends", "the late one has ended it");
}

template <class Make>
void check_nack(const queue_maker<Make>& maker) {
    using namespace std::chrono_literals;
    queue_under_test<Make> queue{maker, {.lease = lease_time}};
    queue.push("one");
    expect(queue.receive().nack(), "a lease is its receiver's until it ends", "nack() was refused at once");
    { auto unsettled = queue.receive(); }
    auto third = queue.receive();
    expect_equal(third.attempt(), 3U, "a lease that is destroyed unsettled is a nack", "the attempt then");
    expect(third.nack(10s, "no"), "a lease is its receiver's until it ends", "nack() was refused at once");
    expect_equal(queue.stats().delayed, std::uint64_t{1}, "the account adds up", "delayed");
    queue.expect_after(10s, "a nack's delay ends at its time, and never before",
                       [&] { return !queue.gives_nothing(); });
}

template <class Make>
void check_extend(const queue_maker<Make>& maker) {
    using namespace std::chrono_literals;
    queue_under_test<Make> queue{maker, {.lease = lease_time}};
    queue.push("one");
    auto mine = queue.receive();
    queue.sim().advance(20s);
    expect(mine.extend(lease_time), "a lease is its receiver's until it ends", "extend() was refused");
    queue.expect_after(lease_time, "an extended lease ends then, and never before",
                       [&] { return !queue.gives_nothing(); });
    expect(!mine.ack(), "a late ack() is refused", "it was accepted");
    auto again = queue.receive();
    expect(again.extend(1s), "a lease is its receiver's until it ends", "extend() was refused");
    queue.expect_after(1s, "a lease can be made shorter", [&] { return !queue.gives_nothing(); });
}

template <class Make>
void check_leases(const queue_maker<Make>& maker) {
    check_one_receiver(maker);
    check_takeover(maker);
    check_nack(maker);
    check_extend(maker);
}

}  // namespace tidings::testing::detail
