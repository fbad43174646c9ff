/// A queue for competing consumers, wherever it keeps its messages.
#pragma once

#include <tidings/queue/dead_message.hpp>
#include <tidings/queue/push.hpp>
#include <tidings/queue/work_queue_stats.hpp>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace tidings {

/// What a receiver gets; `leased` is one. The settling calls are false, and change nothing, when the lease is over.
/// Destroyed unsettled, it is a nack().
template <class L, class T>
concept message_lease =
    std::movable<L> && requires(L& own, const L& seen, std::chrono::steady_clock::duration time, std::string_view why) {
        { seen.value() } -> std::convertible_to<const T&>;
        { seen.attempt() } -> std::convertible_to<unsigned>;
        { own.ack() } -> std::same_as<bool>;
        { own.nack() } -> std::same_as<bool>;
        { own.nack(time, why) } -> std::same_as<bool>;
        { own.reject(why) } -> std::same_as<bool>;
        { own.extend(time) } -> std::same_as<bool>;
    };

/// What was given up, oldest first; `dead_messages` is one. redrive() and discard() are false where there is none of
/// that id, redrive() also where there is no room.
template <class D>
concept dead_letter_queue = requires(D& dead, std::uint64_t id) {
    { dead.list() } -> std::convertible_to<std::vector<dead_message>>;
    { dead.redrive(id) } -> std::same_as<bool>;
    { dead.discard(id) } -> std::same_as<bool>;
};

/// A queue whose messages are leased to one receiver at a time, and given up after some attempts; `work_queue` is one.
///
/// The compiler sees the calls. What they have to do is what `work_queue`, `leased` and `dead_messages` say, as far as
/// the queue promises it: see testing::message_queue_guarantees, and testing::broken_promise_of(), which checks that.
template <class Q, class T>
concept message_queue = requires(Q& queue, const Q& seen, T&& value, const push_options& how) {
    { queue.push(std::move(value), how) } -> std::same_as<push_result>;
    { static_cast<bool>(queue.try_receive()) };
    requires message_lease<std::remove_cvref_t<decltype(*queue.try_receive())>, T>;
    { queue.dead_letters() } -> dead_letter_queue;
    { seen.stats() } -> std::convertible_to<work_queue_stats>;
};

}  // namespace tidings
