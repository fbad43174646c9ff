/// The contract suite that every queue for competing consumers passes.
#pragma once

#include <tidings/queue/message_queue.hpp>
#include <tidings/queue/work_queue_options.hpp>
#include <tidings/testing/broken_promise.hpp>
#include <tidings/testing/detail/queue_dead_checks.hpp>
#include <tidings/testing/detail/queue_full_checks.hpp>
#include <tidings/testing/detail/queue_history.hpp>
#include <tidings/testing/detail/queue_lease_checks.hpp>
#include <tidings/testing/detail/queue_order_checks.hpp>
#include <tidings/testing/detail/queue_under_test.hpp>
#include <tidings/testing/message_queue_guarantees.hpp>
#include <tidings/testing/random_histories.hpp>

#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <type_traits>

namespace tidings::testing {

/// Checks what a queue promises, and returns the first promise that it breaks.
///
/// `make(const work_queue_options&)` gives a new, empty message_queue of std::string, or a pointer to one; with the
/// clock of the options, which is a simulation's. Options whose policy is not promised are never asked for. The same
/// arguments do the same. An exception out of the queue is a broken promise, too.
///
/// One thread; what a queue does under several is not checked here. Takes as long as the queue takes for
/// some hundred thousand operations. Uses exceptions.
template <class Make>
std::optional<broken_promise> broken_promise_of(Make make, const message_queue_guarantees& guarantees = {},
                                                const random_histories& histories = {}) {
    static_assert(std::is_invocable_v<Make&, const work_queue_options&>,
                  "tidings: this function makes no queue; it takes (const tidings::work_queue_options&)");
    if constexpr (std::is_invocable_v<Make&, const work_queue_options&>) {
        using queue = detail::queue_of<std::invoke_result_t<Make&, const work_queue_options&>>;
        static_assert(message_queue<queue, std::string>,
                      "tidings: what is to be checked is no queue of std::string, or lacks a call; see "
                      "tidings::message_queue");
        if constexpr (message_queue<queue, std::string>) {
            const detail::queue_maker<Make> maker{make, guarantees};
            std::uint64_t seed = 0;
            try {
                detail::check_order(maker);
                detail::check_leases(maker);
                detail::check_dead_letters(maker);
                detail::check_full_queues(maker);
                for (std::uint64_t n = 0; n != histories.count; ++n) {
                    seed = histories.seed + n;
                    detail::queue_history<Make>{maker, seed, histories.steps}.run();
                }
            } catch (broken_promise& found) {
                found.seed = seed;
                return found;
            } catch (const std::exception& e) {
                return broken_promise{"nothing is thrown", e.what(), seed};
            } catch (...) {
                return broken_promise{"nothing is thrown", "something was that is no std::exception", seed};
            }
        }
    }
    return std::nullopt;
}

}  // namespace tidings::testing
