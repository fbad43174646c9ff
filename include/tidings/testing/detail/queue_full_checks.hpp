/// What a queue does that has no room.
#pragma once

#include <tidings/core/delivery.hpp>
#include <tidings/queue/priority_order.hpp>
#include <tidings/queue/push.hpp>
#include <tidings/testing/detail/queue_lease_checks.hpp>
#include <tidings/testing/detail/queue_under_test.hpp>
#include <tidings/testing/message_queue_guarantees.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace tidings::testing::detail {

template <class Make>
class full_queue : public queue_under_test<Make> {
public:
    full_queue(const queue_maker<Make>& maker, overflow when_full)
        : queue_under_test<Make>{maker, {.capacity = 3, .when_full = when_full}} {
        for (const char* each : {"a", "b", "c"}) this->push(each);
    }

    push_result push_one_more(std::string value = "d") { return (**this).push(std::move(value), {}); }

    /// Sorted.
    void expect_left(const std::vector<std::string>& right, const char* promise) {
        auto out = this->receive_all();
        std::ranges::sort(out);
        expect(out == right, promise, "others were received");
    }
};

template <class Make>
void check_reject_when_full(const queue_maker<Make>& maker) {
    if (!maker.promises(&message_queue_guarantees::reject)) return;
    constexpr const char* promise = "a full queue that rejects takes nothing";
    full_queue<Make> queue{maker, overflow::reject};
    std::string kept = "d";
    expect(queue->push(std::move(kept), {}) == push_result::rejected, promise, "it took it");
    // NOLINTNEXTLINE(bugprone-use-after-move): that is the question
    expect(kept == "d", "what a queue does not take is left untouched", "it was moved");
    expect_equal(queue.stats().rejected, std::uint64_t{1}, "the account adds up", "rejected");
    auto leased = queue.receive();
    expect(queue.push_one_more() == push_result::rejected, "what is leased has its place", "its place was given away");
    expect(leased.nack(std::chrono::hours{1}), "a lease is its receiver's until it ends", "nack() was refused");
    expect(queue.push_one_more() == push_result::rejected, "what is delayed has its place", "its place was given away");
    expect(queue.receive().ack(), "a lease is its receiver's until it ends", "ack() was refused at once");
    expect(queue.push_one_more() == push_result::queued, "an ack() makes room", "it did not");
    if (maker.promises(&message_queue_guarantees::redrive)) {
        expect(queue.receive().reject("no"), "a lease is its receiver's until it ends", "reject() was refused");
        expect(queue.push_one_more("e") == push_result::queued, "dead letters take no room", "they did");
        expect(!queue->dead_letters().redrive(queue.the_dead_one().id), "a redrive needs room", "it had none");
    }
}

template <class Make>
void check_drop_newest(const queue_maker<Make>& maker) {
    if (!maker.promises(&message_queue_guarantees::drop_newest)) return;
    constexpr const char* promise = "a full queue that drops the newest keeps the others";
    full_queue<Make> queue{maker, overflow::drop_newest};
    expect(queue.push_one_more() == push_result::dropped, promise, "push() says something else");
    expect_equal(queue.stats().dropped, std::uint64_t{1}, "the account adds up", "dropped");
    queue.expect_left({"a", "b", "c"}, promise);
}

template <class Make>
void check_drop_oldest(const queue_maker<Make>& maker) {
    if (!maker.promises(&message_queue_guarantees::drop_oldest)) return;
    constexpr const char* promise = "a full queue that drops the oldest keeps the others";
    {
        full_queue<Make> queue{maker, overflow::drop_oldest};
        expect(queue.push_one_more() == push_result::queued, promise, "push() says something else");
        expect_equal(queue.stats().dropped, std::uint64_t{1}, "the account adds up", "dropped");
        if (maker.promises(&message_queue_guarantees::order)) queue.expect_left({"b", "c", "d"}, promise);
    }
    if (maker.promises(&message_queue_guarantees::priorities)) {
        full_queue<Make> queue{maker, overflow::drop_oldest};
        expect(queue->push("e", {.priority = lowest_priority}) == push_result::dropped,
               "the lowest priority is dropped first", "push() says something else");
        queue.expect_left({"a", "b", "c"}, "the lowest priority is dropped first");
    }
    full_queue<Make> queue{maker, overflow::drop_oldest};
    std::vector<typename full_queue<Make>::lease> leases;
    for (int n = 0; n != 3; ++n) leases.push_back(queue.receive());
    expect(queue.push_one_more() == push_result::dropped, "what is leased is not dropped",
           "push() says something else");
    for (auto& each : leases) expect(each.ack(), "what is leased is not dropped", "ack() was refused");
}

template <class Make>
void check_block(const queue_maker<Make>& maker) {
    if (!maker.promises(&message_queue_guarantees::block)) return;
    constexpr const char* promise = "a full queue that blocks takes it when there is room";
    bool has_begun = false;
    bool is_in = false;  // outlives who waits to write it
    full_queue<Make> queue{maker, overflow::block};
    queue.sim().executor().post([&] {
        has_begun = true;
        is_in = queue.push_one_more() == push_result::queued;
    });
    queue.sim().run_until_idle();
    expect(has_begun && !is_in, promise, "it did not wait");
    expect(queue.receive().ack(), "a lease is its receiver's until it ends", "ack() was refused at once");
    queue.sim().run_until_idle();
    expect(is_in, promise, "it went on waiting");
    expect_equal(queue.receive_all().size(), std::size_t{3}, promise, "messages");
}

/// There may be nobody left who would look.
template <class Make>
void check_places_of_lost_leases(const queue_maker<Make>& maker) {
    constexpr const char* promise = "a message whose last lease ran out leaves its place";
    for (const overflow when_full : {overflow::reject, overflow::block}) {
        if (!maker.promises(when_full == overflow::block ? &message_queue_guarantees::block
                                                         : &message_queue_guarantees::reject))
            continue;
        bool is_in = false;  // outlives who waits to write it
        queue_under_test<Make> queue{maker,
                                     {.capacity = 1, .when_full = when_full, .lease = lease_time, .max_attempts = 1}};
        queue.push("a");
        auto lost = queue.receive();
        const auto push = [&] { is_in = queue->push("b", {}) == push_result::queued; };
        if (when_full == overflow::block) {
            queue.sim().executor().post(push);
            queue.sim().run_until_idle();
        } else {
            push();
        }
        expect(!is_in, "what is leased has its place", "its place was given away");
        queue.sim().advance(2 * lease_time);
        if (when_full == overflow::reject) push();
        expect(is_in, promise, "it was not to be had");
    }
}

template <class Make>
void check_full_queues(const queue_maker<Make>& maker) {
    check_reject_when_full(maker);
    check_drop_newest(maker);
    check_drop_oldest(maker);
    check_block(maker);
    check_places_of_lost_leases(maker);
}

}  // namespace tidings::testing::detail
