/// Messages for competing workers: each goes to one of them, and comes back if it is not acknowledged.
#pragma once

#include <tidings/base/config.hpp>
#include <tidings/base/idle_hook.hpp>
#include <tidings/base/sync.hpp>
#include <tidings/executor/shared_pool.hpp>
#include <tidings/queue/dead_messages.hpp>
#include <tidings/queue/detail/crew.hpp>
#include <tidings/queue/detail/message.hpp>
#include <tidings/queue/detail/state.hpp>
#include <tidings/queue/leased.hpp>
#include <tidings/queue/push.hpp>
#include <tidings/queue/work_queue_options.hpp>
#include <tidings/queue/work_queue_stats.hpp>
#include <tidings/queue/workers.hpp>

#include <algorithm>
#include <chrono>
#include <concepts>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace tidings {

/// A queue of messages, each of which is leased to one receiver at a time until it is acknowledged. A lease that runs
/// out, a nack() and a handler that throws make the message ready again, up to work_queue_options::max_attempts; then,
/// or by reject(), it becomes a dead letter.
///
/// Delivery: at least once while the process lives; whoever settles a lease that is over is told. Nothing is kept
/// beyond the process. Order: by priority, and within one first in, first out, in the order in which messages became
/// ready: when they were pushed, when their delay was over, when they came back. Several receivers run at the same
/// time.
///
/// Thread-safe. No lock is held while user code runs: handlers, and the moves, copies and destructors of messages.
/// Receiving takes constant time, and O(log n) in the messages that are leased; what is delayed adds O(log n) to
/// what becomes due, when it does.
template <class T>
class work_queue {
    static_assert(std::is_object_v<T> && !std::is_const_v<T> && !std::is_volatile_v<T> && std::move_constructible<T>,
                  "tidings: a message is an object that can be moved");

public:
    using duration = std::chrono::steady_clock::duration;

    /// Throws std::bad_alloc.
    explicit work_queue(const work_queue_options& options = {}) : state_{new work_queue_detail::state{options}} {}

    /// Closes it, and stops its workers as workers::stop() does; messages and dead letters that are left are destroyed.
    /// May be called from inside a handler of its own. Who waits in push() or receive() comes back; no other thread may
    /// be about to call the queue. Leases may outlive it.
    ~work_queue() { state_->end(); }

    work_queue(const work_queue&) = delete;
    work_queue& operator=(const work_queue&) = delete;

    /// Puts a message into the queue. Does with a full one what work_queue_options::when_full says. A value that is
    /// neither queued nor dropped has not been touched.
    ///
    /// Where to wait would be to wait for itself, it is `would_deadlock` instead: in a handler of the only workers
    /// there are, in a circle of such waits, and in a simulation where nobody is left to make room. On the thread of a
    /// manual_executor that runs the workers' tasks, it runs them until there is room.
    ///
    /// Throws what moving or copying the value throws, and std::bad_alloc; then nothing is in the queue. Blocks where
    /// it is to.
    push_result push(T&& value, const push_options& how = {}) { return add(std::move(value), how); }
    push_result push(const T& value, const push_options& how = {})
        requires std::copy_constructible<T>
    {
        return add(value, how);
    }

    /// Waits for a message. Empty when the queue is closed and no message is ready; what is delayed or leased can be
    /// received later still, by asking again. In a simulation: also when none is left that could become ready.
    [[nodiscard]] std::optional<leased<T>> receive() { return receive_until(base::idle_hook::never); }

    /// The same, for no longer than `wait`.
    [[nodiscard]] std::optional<leased<T>> receive_for(duration wait) {
        const auto now = base::idle_hook::here() != nullptr
                             ? state_->now()
                             : work_queue_detail::time_point{base::steady_clock::now().time_since_epoch()};
        return receive_until(work_queue_detail::later(now, wait));
    }

    /// Does not wait.
    [[nodiscard]] std::optional<leased<T>> try_receive() { return receive_until(work_queue_detail::time_point::min()); }

    /// Has messages handled on an executor: tasks are posted while there are any, as many at a time as `how.workers`. A
    /// handler `(const T&)` that returns acknowledges its message; one that throws is a nack() with the text of the
    /// exception. A handler `(const T&, leased<T>&)` may settle, extend, or move the lease away; if it does not, the
    /// same holds. On an executor that has ended, nobody is called, and the messages stay.
    ///
    /// Throws std::bad_alloc, and what copying the handler throws.
    template <class F>
    workers consume(F&& handler, const consume_options& how = {}) {
        using kept = std::decay_t<F>;
        constexpr bool callable =
            std::is_invocable_v<kept&, const T&> || std::is_invocable_v<kept&, const T&, leased<T>&>;
        static_assert(callable,
                      "tidings: this handler cannot be called with the message; it takes (const T&) or "
                      "(const T&, tidings::leased<T>&)");
        if constexpr (callable) {
            auto port = (how.executor ? how.executor : shared_executor()).port();
            const unsigned width = how.workers != 0 ? how.workers : port->width();
            auto crew = std::make_shared<work_queue_detail::crew_of<T, kept>>(
                *state_, std::move(port),
                work_queue_detail::crew::settings{width != 0 ? width : 1, std::max<std::size_t>(how.prefetch, 1),
                                                  how.retry_delay},
                std::forward<F>(handler));
            crew->begin();
            return workers{std::move(crew)};
        } else {
            return {};
        }
    }

    dead_messages<T> dead_letters() noexcept { return dead_messages<T>{*state_}; }

    /// Exact at the moment of the call. At 64 priorities, one look at each.
    work_queue_stats stats() const { return state_->stats(); }

    /// Nothing more comes in from outside; who waits comes back. What is there can be received, and workers go on with
    /// it.
    void close() noexcept { state_->close(); }

private:
    template <class Source>
    push_result add(Source&& value, const push_options& how) {
        work_queue_detail::state& home = *state_;  // who waits here may outlive the queue
        const push_result found = home.take_place_or_wait();
        if (found != push_result::queued) return found;
        work_queue_detail::message* made = nullptr;
        TIDINGS_TRY { made = &work_queue_detail::message_of<T>::make(std::forward<Source>(value)); }
        TIDINGS_CATCH_ALL {
            home.give_up_place();
            TIDINGS_RETHROW;
        }
        return home.push(*made, how);
    }

    std::optional<leased<T>> receive_until(work_queue_detail::time_point deadline) {
        work_queue_detail::state& home = *state_;
        const work_queue_detail::attempt begun = home.receive(deadline);
        if (begun.at == nullptr) return std::nullopt;
        return std::optional<leased<T>>{std::in_place, work_queue_detail::lease{home, begun}};
    }

    work_queue_detail::state* const state_;
};

}  // namespace tidings
