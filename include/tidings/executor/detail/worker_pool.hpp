/// What a thread_pool shares with its threads and with those who post to it.
#pragma once

#include <tidings/base/domain.hpp>
#include <tidings/base/executor_scope.hpp>
#include <tidings/base/job.hpp>
#include <tidings/base/sync.hpp>
#include <tidings/base/wait_graph.hpp>
#include <tidings/base/wait_room.hpp>
#include <tidings/executor/detail/thread_crew.hpp>
#include <tidings/executor/detail/thread_name.hpp>
#include <tidings/executor/executor.hpp>
#include <tidings/executor/task.hpp>

#include <atomic>
#include <chrono>
#include <concepts>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace tidings::detail {

struct worker_pool_options {
    unsigned minimum;
    unsigned maximum;
    std::string name;
    std::chrono::nanoseconds idle_time;
    thread_crew::at_the_end threads;
};

/// Threads that take jobs from one queue, oldest first.
///
/// One mutex guards all that decides whether a thread sleeps, and a thread goes to sleep only after it has found the
/// queue empty under that mutex: that, and that post() looks for sleepers under it, is why no wake-up is lost. The only
/// thing read without it is a hint to the thread that spins. Jobs run, and are destroyed, without it.
class worker_pool final : public executor_port, public std::enable_shared_from_this<worker_pool> {
public:
    explicit worker_pool(worker_pool_options options)
        : options_{std::move(options)}, may_spin_{base::thread::hardware_concurrency() > 1}, crew_{options_.threads} {}

    void post(task work) noexcept override {
        base::job& added = work.release();
        std::shared_ptr<worker_pool> grows;
        {
            const std::lock_guard lock{mutex_};
            if (!stopped_) [[likely]] {
                jobs_.push(added);
                if (queued_++ == 0) hint_.store(true, std::memory_order_relaxed);
                wake();
                if (queued_ <= idle_ || threads_ == options_.maximum) return;
                reserve();
                grows = shared_from_this();  // as soon as the lock is free the job may be the end of the pool
            }
        }
        if (grows == nullptr) return added.act(added, false);
        if (!grows->start()) grows->give_up_if_deserted();
    }

    bool runs_here() const noexcept override {
        return base::executor_scope::runs(base::executor_scope::innermost(), this);
    }
    unsigned width() const noexcept override { return options_.maximum; }
    bool is_busy() const noexcept override { return hint_.load(std::memory_order_relaxed); }

    std::size_t size() const {
        const std::lock_guard lock{mutex_};
        return threads_;
    }

    /// One thread more. False: the system gives none.
    bool add_thread() {
        {
            const std::lock_guard lock{mutex_};
            reserve();
        }
        return start();
    }

    /// Nothing starts from here on; what was queued is destroyed here, what runs is waited for, unless it is what
    /// calls, or waits for what calls.
    void stop() noexcept {
        {
            const std::lock_guard lock{mutex_};
            stopped_ = true;
            begin_to_end();
            changed_.notify_all();
        }
        // The queue is the caller's now: neither post() nor a thread touches it once it is stopped.
        while (base::job* const left = jobs_.pop()) left->act(*left, false);
        base::domain& home = base::domain::here();
        const base::entry_in_graph waiting{home, base::thread_wait{.all_of = this, .who = home.find()}};
        crew_.end(waiting.may_wait());
    }

private:
    using clock = base::steady_clock;

    // ---- With mutex_ held.

    base::job* take() noexcept {
        base::job* const next = jobs_.pop();
        if (next != nullptr && --queued_ == 0) hint_.store(false, std::memory_order_relaxed);
        return next;
    }

    /// Makes room in the account for a thread that is about to start: it counts as idle, so that one is enough.
    void reserve() noexcept {
        ++threads_;
        ++idle_;
    }

    /// Wakes a thread unless those that are awake, and idle, are enough. Each of them looks at the queue under the lock
    /// before it sleeps.
    void wake() noexcept {
        if (parked_ == woken_ || queued_ <= idle_ - parked_ + woken_) return;
        ++woken_;
        // Under the lock, because with the job done the pool may be gone.
        changed_.notify_one();
    }

    /// False: it has slept for long, and the pool does without the calling thread.
    bool park(std::unique_lock<base::mutex>& lock) {
        bool in_vain = false;
        ++parked_;
        // One that sleeps for good is one of `minimum`: those that came later sleep for a time.
        if (threads_ <= options_.minimum) changed_.wait(lock);
        else in_vain = changed_.wait_until(lock, retirement()) == std::cv_status::timeout;
        --parked_;
        if (woken_ != 0) --woken_;  // maybe another's: then that one finds nothing to do, or more
        return !(in_vain && queued_ == 0 && threads_ > options_.minimum);
    }

    clock::time_point retirement() const noexcept {
        const auto now = clock::now();
        return options_.idle_time < clock::time_point::max() - now ? now + options_.idle_time
                                                                   : clock::time_point::max();
    }

    /// Looks for work without the lock for a moment: a thread that sleeps takes a hundred times as long to come. It
    /// does not yield: a thread that did is late, by up to a tick of the scheduler, when it is woken the next time.
    void spin(std::unique_lock<base::mutex>& lock) {
        const auto patience = patience_;
        spinning_ = true;
        lock.unlock();
        const bool found = watch(patience);
        lock.lock();
        spinning_ = false;
        if (found) patience_ = patience < longest_spin / 2 ? patience * 2 : longest_spin;
        else patience_ = patience / 2 > shortest_spin ? patience / 2 : shortest_spin;
    }

    // ---- Without it.

    bool watch(std::chrono::nanoseconds patience) const noexcept {
        // On simulated threads, time stands still while one runs.
        constexpr bool real = std::same_as<clock, std::chrono::steady_clock>;
        const auto until = clock::now() + patience;
        do {
            for (int round = 0; round < (real ? 32 : 2); ++round) {
                if (hint_.load(std::memory_order_relaxed)) return true;
                base::cpu_relax();
            }
        } while (real && clock::now() < until);
        return false;
    }

    /// Starts the thread that was reserved. False: there will be none.
    bool start() noexcept {
        if (crew_.start([self = shared_from_this()](unsigned number) { self->work(number); })) return true;
        const std::lock_guard lock{mutex_};
        --threads_;
        --idle_;
        wake();  // for a job that was left to the thread that does not come
        return false;
    }

    /// Only a pool that may have no threads at all gets here with none: nobody would ever run the jobs.
    void give_up_if_deserted() noexcept {
        for (;;) {
            base::job* left = nullptr;
            {
                const std::lock_guard lock{mutex_};
                if (threads_ != 0 || stopped_) return;
                left = take();
            }
            if (left == nullptr) return;
            left->act(*left, false);
        }
    }

    void work(unsigned number) noexcept {
        if (!options_.name.empty()) name_this_thread(options_.name, number);
        bool stays = true;
        {
            const base::executor_scope inside{mark().address};
            bool spun = false;
            std::unique_lock lock{mutex_};
            while (stays && !stopped_) {
                if (base::job* const next = take()) {
                    --idle_;
                    lock.unlock();
                    next->act(*next, true);
                    lock.lock();
                    ++idle_;
                    spun = false;
                } else if (!spun && !spinning_ && may_spin_) {
                    spin(lock);
                    spun = true;
                } else {
                    stays = park(lock);
                    spun = false;
                }
            }
            --threads_;
            --idle_;
        }
        if (!stays) crew_.leave();
    }

    // The shortest is longer than a call that wakes a thread: the poster is in one when the thread it woke is done, and
    // must find it still looking when it posts again.
    static constexpr std::chrono::nanoseconds shortest_spin = std::chrono::microseconds{8};
    static constexpr std::chrono::nanoseconds longest_spin = std::chrono::microseconds{48};

    const worker_pool_options options_;
    const bool may_spin_;

    mutable base::mutex mutex_;
    base::condition_variable changed_;  // there is more to do, or it is stopped

    // Guarded by mutex_.
    base::job_queue jobs_;
    std::size_t queued_ = 0;
    std::size_t threads_ = 0;  // that run or are about to
    std::size_t idle_ = 0;     // of them, without a job
    std::size_t parked_ = 0;   // of those, in changed_.wait()
    std::size_t woken_ = 0;    // of those, notified at least
    bool spinning_ = false;    // one that is idle and not parked
    bool stopped_ = false;
    std::chrono::nanoseconds patience_ = longest_spin;

    thread_crew crew_;

    /// Whether there are jobs. On a line of its own: whoever spins on it must not slow the lock down.
    alignas(64) base::atomic<bool> hint_{false};
};

}  // namespace tidings::detail
