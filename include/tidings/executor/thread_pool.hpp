/// Threads that run tasks.
#pragma once

#include <tidings/base/config.hpp>
#include <tidings/base/error.hpp>
#include <tidings/base/fork.hpp>
#include <tidings/base/sync.hpp>
#include <tidings/executor/detail/worker_pool.hpp>
#include <tidings/executor/executor.hpp>
#include <tidings/executor/task.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace tidings {

struct thread_pool_options {
    /// Threads that are there from the beginning to the end. 0: none is while there is nothing to do.
    unsigned minimum = 1;
    /// Threads that there are when more tasks wait than threads do. Less than `minimum`, or 0: as many as `minimum`,
    /// and at least one.
    unsigned maximum = 1;
    /// For debuggers, on Linux: threads are called "name-1", "name-2", …, with the name cut so that it fits 15 bytes.
    std::string name{};
    /// A thread that is not needed for `minimum` ends when it has had nothing to do for so long.
    std::chrono::nanoseconds idle_time = std::chrono::seconds{10};
};

/// Runs tasks on threads of its own.
///
/// Tasks start in the order in which they were posted, at most one per thread at a time; with one thread they run one
/// after the other. A task may post, and may destroy the pool.
///
/// A thread without work looks for more for some microseconds, then sleeps until there is; an idle pool uses no
/// processor time. Where that matters: a task that comes soon after the last one starts in well under a microsecond,
/// one that wakes a thread in some tens.
///
/// In the child of a fork() there are no threads of a pool that was made before: there it can only be destroyed, which
/// leaves it and its tasks as they are.
class thread_pool {
public:
    /// A pool of `threads` threads; 0: of as many as the hardware runs at once. Throws tidings::error with
    /// errc::no_threads where the system does not give as many, and std::bad_alloc.
    explicit thread_pool(unsigned threads) : thread_pool{fixed(threads)} {}

    /// Throws tidings::error with errc::no_threads where the system does not give `minimum` threads, and
    /// std::bad_alloc. That it does not give more later is no error: the pool goes on with those it has, and tries
    /// again with the next task. Only where `minimum` is 0 and there is no thread at all, waiting tasks are then
    /// destroyed.
    explicit thread_pool(thread_pool_options options) {
        const unsigned minimum = options.minimum;
        const unsigned least = minimum != 0 ? minimum : 1;
        state_ = std::make_shared<detail::worker_pool>(
            detail::worker_pool_options{.minimum = minimum,
                                        .maximum = options.maximum > least ? options.maximum : least,
                                        .name = std::move(options.name),
                                        .idle_time = options.idle_time,
                                        .threads = detail::thread_crew::at_the_end::join});
        for (unsigned i = 0; i != minimum; ++i) {
            if (state_->add_thread()) continue;
            state_->stop();
            TIDINGS_THROW(error{errc::no_threads});
        }
    }

    /// Destroys the tasks that wait, on the calling thread, and then waits for those that run; tasks that are posted
    /// meanwhile, or later through an executor_ref, are destroyed at once. Called by one of its own tasks it waits for
    /// the others only; the thread of that one ends when the task does. Where a task waits, through others or not, for
    /// the calling thread, as by subscription::reset(), nothing is waited for: the threads end when their tasks do.
    ///
    /// Blocks for as long as the tasks that run take; no lock is held while tasks are destroyed.
    ~thread_pool() {
        if (forks_ == base::fork_count()) {
            state_->stop();
            return;
        }
        // Its locks may be held, and its threads waited for, by nobody: it is left alone.
        static_cast<void>(new std::shared_ptr<detail::worker_pool>{std::move(state_)});
    }

    thread_pool(const thread_pool&) = delete;
    thread_pool& operator=(const thread_pool&) = delete;

    /// Has `work` run on one of the threads, or destroyed: exactly one of the two, once.
    ///
    /// Thread-safe; also from a task. Takes a lock for a moment, and wakes a thread where one sleeps that is needed, or
    /// starts one where the options allow for more. Allocates only for the latter. O(1).
    void post(task work) noexcept { state_->post(std::move(work)); }

    /// How many threads there are.
    std::size_t size() const { return state_->size(); }

    /// For executor_ref.
    std::shared_ptr<detail::executor_port> port() const noexcept { return state_; }

private:
    static thread_pool_options fixed(unsigned threads) {
        const unsigned hardware = base::thread::hardware_concurrency();
        const unsigned n = threads != 0 ? threads : hardware != 0 ? hardware : 1;
        return {.minimum = n, .maximum = n};
    }

    const std::uint64_t forks_ = base::fork_count();
    std::shared_ptr<detail::worker_pool> state_;
};

}  // namespace tidings
