/// Tasks that run when a loop says so.
#pragma once

#include <tidings/base/function.hpp>
#include <tidings/base/sync.hpp>
#include <tidings/executor/detail/manual_queue.hpp>
#include <tidings/executor/executor.hpp>
#include <tidings/executor/task.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <utility>

namespace tidings {

/// Runs tasks where and when its owner asks for it: in the loop of a user interface or a game, or in a test.
///
/// Tasks run in the order in which they were posted, and with no lock held. The loop's own thread is the one that ran
/// tasks last, at first the one that made the executor: a publisher there that finds a queue full, or that drains a
/// bus, has tasks run instead of waiting for itself. A task may post, run others (as a modal dialogue does: they run
/// inside it), and destroy the executor.
class manual_executor {
public:
    /// Throws std::bad_alloc.
    manual_executor() : manual_executor{nullptr} {}

    /// `on_post` is called after a task has been posted to an empty queue, to wake a loop that sleeps in a place of its
    /// own: by the thread that posts, with no lock held, maybe by several at once. It must not throw. A loop that left
    /// tasks, with run_one() or run_for(), is not told of them again. Throws std::bad_alloc.
    explicit manual_executor(base::shared_function<void()> on_post)
        : state_{std::make_shared<detail::manual_queue>(std::move(on_post))} {}

    /// Destroys the tasks that wait, on the calling thread, then waits for a task or an `on_post` that runs on another
    /// one, and destroys `on_post`. Tasks that are posted from then on are destroyed at once.
    ~manual_executor() { state_->stop(); }

    manual_executor(const manual_executor&) = delete;
    manual_executor& operator=(const manual_executor&) = delete;

    /// Has `work` run by the loop, or destroyed: exactly one of the two, once.
    ///
    /// Thread-safe; also from a task. Takes a lock for a moment; allocates nothing. O(1).
    void post(task work) noexcept { state_->post(std::move(work)); }

    /// Runs tasks until there are none, those included that they post: with one that posts itself again it does not
    /// return. Returns how many it ran. Thread-safe; the calling thread becomes the loop's own.
    std::size_t run() {
        const auto kept = state_;
        std::size_t count = 0;
        while (kept->run_one()) ++count;
        return count;
    }

    /// Runs the next task. False: there is none. Thread-safe; the calling thread becomes the loop's own.
    bool run_one() {
        const auto kept = state_;
        return kept->run_one();
    }

    /// As run(), but starts no further task once `budget` is used up; at least one if there is one.
    std::size_t run_for(std::chrono::nanoseconds budget) {
        const auto kept = state_;
        const auto begin = base::steady_clock::now();
        std::size_t count = 0;
        while (kept->run_one()) {
            ++count;
            if (base::steady_clock::now() - begin >= budget) break;
        }
        return count;
    }

    /// Waits until there is a task to run, at most for `timeout`. Whether there is. Thread-safe; blocks.
    bool wait_for(std::chrono::nanoseconds timeout) const {
        const auto kept = state_;
        return kept->wait_for(timeout);
    }

    /// How many tasks wait.
    std::size_t size() const { return state_->size(); }

    /// For executor_ref.
    std::shared_ptr<detail::executor_port> port() const noexcept { return state_; }

private:
    std::shared_ptr<detail::manual_queue> state_;
};

}  // namespace tidings
