/// What a queue hands out, and in which order.
#pragma once

#include <tidings/queue/priority_order.hpp>
#include <tidings/queue/push.hpp>
#include <tidings/testing/detail/queue_under_test.hpp>
#include <tidings/testing/message_queue_guarantees.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <iterator>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace tidings::testing::detail {

template <class Make>
void check_values(const queue_maker<Make>& maker) {
    constexpr const char* promise = "a message comes out as it went in";
    queue_under_test<Make> queue{maker};
    expect(queue.gives_nothing(), "an empty queue gives nothing", "it gave something");
    std::string every_byte;
    for (int n = 0; n != 256; ++n) every_byte.push_back(static_cast<char>(n));
    const std::string values[]{"",         std::string(1, '\0'),
                               every_byte, "a'b\"c\\d%s;--",
                               "\xFF\xFE", std::string(maker.guarantees.largest_message, '\xC3')};
    for (const std::string& each : values) {
        queue.push(each);
        auto got = queue.receive();
        expect(got.value() == each, promise, "it is another");
        expect_equal(got.attempt(), 1U, "attempts are counted from 1", "the first attempt");
        expect(got.ack(), "a lease is its receiver's until it ends", "ack() was refused at once");
        expect(queue.gives_nothing(), "a message that was acknowledged has gone", "something was received");
    }
    expect_equal(queue.stats().acked, std::uint64_t{std::size(values)}, "the account adds up", "acked");
}

template <class Make>
void check_first_in_first_out(const queue_maker<Make>& maker) {
    queue_under_test<Make> queue{maker};
    std::vector<std::string> in;
    for (int n = 0; n != 50; ++n) in.push_back(std::to_string(n));
    for (const std::string& each : in) queue.push(each);
    auto out = queue.receive_all();
    if (!maker.promises(&message_queue_guarantees::order)) {
        std::ranges::sort(in);
        std::ranges::sort(out);
        expect(in == out, "each message is received once", "others were received");
    } else {
        expect(in == out, "first in, first out", "another order");
    }
}

template <class Make>
void check_priorities(const queue_maker<Make>& maker) {
    if (!maker.promises(&message_queue_guarantees::priorities)) return;
    queue_under_test<Make> queue{maker};
    constexpr int least = std::numeric_limits<int>::min();
    constexpr int most = std::numeric_limits<int>::max();
    for (const int each : {0, -1, most, 5, least, highest_priority, lowest_priority, 0})
        queue.push(std::to_string(each), {.priority = each});
    auto out = queue.receive_all();
    for (std::string& each : out) {  // what is beyond counts as the nearest
        const int value = std::stoi(each);
        each = std::to_string(std::clamp(value, lowest_priority, highest_priority));
    }
    const std::vector<std::string> right{"31", "31", "5", "0", "0", "-1", "-32", "-32"};
    expect(out == right, "higher priorities first", "another order");
}

template <class Make>
void check_fair_priorities(const queue_maker<Make>& maker) {
    if (!maker.promises(&message_queue_guarantees::priorities) ||
        !maker.promises(&message_queue_guarantees::fair_priorities))
        return;
    queue_under_test<Make> queue{maker, {.priorities = priority_order::fair}};
    queue.push("low", {.priority = lowest_priority});
    unsigned receives = 0;
    for (bool found = false; !found;) {
        queue.push("high", {.priority = highest_priority});
        auto got = queue.receive();
        found = got.value() == "low";
        expect(got.ack(), "a lease is its receiver's until it ends", "ack() was refused at once");
        expect(++receives <= fair_share, "a fair queue starves no priority", "the low one has waited too long");
    }
}

template <class Make>
void check_delays(const queue_maker<Make>& maker) {
    using namespace std::chrono_literals;
    queue_under_test<Make> queue{maker};
    queue.push("at once", {.delay = -1h});
    queue.push("late", {.delay = 10s});
    expect(queue.receive_all() == std::vector<std::string>{"at once"}, "a delay that is over is none",
           "something else was received");
    expect_equal(queue.stats().delayed, std::uint64_t{1}, "the account adds up", "delayed");
    queue.expect_after(10s, "a delay ends at its time, and never before", [&] { return !queue.gives_nothing(); });
    queue.receive_all();
    queue.push("second", {.delay = 2s});
    queue.push("first", {.delay = 1s});
    queue.push("never", {.delay = std::chrono::steady_clock::duration::max()});
    queue.sim().advance(1h);
    queue.push("third");
    std::vector<std::string> right{"first", "second", "third"};
    auto out = queue.receive_all();
    if (!maker.promises(&message_queue_guarantees::order)) {
        std::ranges::sort(out);
        std::ranges::sort(right);
    }
    expect(out == right, "what is delayed comes when its delay is over", "another order, or others");
}

template <class Make>
void check_close(const queue_maker<Make>& maker) {
    if (!maker.promises(&message_queue_guarantees::close)) return;
    queue_under_test<Make> queue{maker};
    queue.push("here");
    queue->close();
    std::string kept = "too late";
    expect(queue->push(std::move(kept), {}) == push_result::closed, "a closed queue takes nothing", "it took it");
    // NOLINTNEXTLINE(bugprone-use-after-move): that is the question
    expect(kept == "too late", "what a queue does not take is left untouched", "it was moved");
    expect(queue.receive_all() == std::vector<std::string>{"here"}, "a closed queue hands out what it has",
           "it did not");
}

template <class Make>
void check_order(const queue_maker<Make>& maker) {
    check_values(maker);
    check_first_in_first_out(maker);
    check_priorities(maker);
    check_fair_priorities(maker);
    check_delays(maker);
    check_close(maker);
}

}  // namespace tidings::testing::detail
