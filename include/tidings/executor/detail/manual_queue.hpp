/// What a manual_executor shares with those who post to it.
#pragma once

#include <tidings/base/domain.hpp>
#include <tidings/base/executor_scope.hpp>
#include <tidings/base/function.hpp>
#include <tidings/base/job.hpp>
#include <tidings/base/sync.hpp>
#include <tidings/base/wait_graph.hpp>
#include <tidings/base/wait_room.hpp>
#include <tidings/executor/executor.hpp>
#include <tidings/executor/task.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>

namespace tidings::detail {

/// Jobs that wait for somebody to run them. Jobs and the user's function are run and destroyed without the lock.
class manual_queue final : public executor_port, public std::enable_shared_from_this<manual_queue> {
public:
    explicit manual_queue(base::shared_function<void()> on_post)
        : on_post_{std::move(on_post)}, tells_{static_cast<bool>(on_post_)}, owner_{base::this_thread_id()} {}

    void post(task work) noexcept override {
        base::job& added = work.release();
        std::unique_lock lock{mutex_};
        if (stopped_) {
            lock.unlock();
            return added.act(added, false);
        }
        jobs_.push(added);
        ++queued_;
        if (waiting_ != 0) changed_.notify_all();  // under the lock: the job may end all this
        if (queued_ != 1 || !tells_) return;
        const scope telling{*this, lock};
        on_post_();
    }

    bool runs_here() const noexcept override { return depth_here() != 0; }

    base::executor_mark mark() const noexcept override { return {.address = this, .loop = &owner_}; }

    bool help() override {
        std::unique_lock lock{mutex_};
        return is_mine() && !runs_here() && run_next(lock);
    }

    bool helps_here() const noexcept override {
        const std::lock_guard lock{mutex_};
        return is_mine() && !stopped_ && !runs_here();
    }

    bool run_one() {
        std::unique_lock lock{mutex_};
        owner_.store(base::this_thread_id(), std::memory_order_relaxed);
        return run_next(lock);
    }

    bool wait_for(std::chrono::nanoseconds timeout) {
        const auto now = base::steady_clock::now();
        const auto longest = base::steady_clock::time_point::max() - now;
        std::unique_lock lock{mutex_};
        ++waiting_;
        const auto ready = [this] { return queued_ != 0 || stopped_; };
        if (timeout < longest) changed_.wait_until(lock, now + timeout, ready);
        else changed_.wait(lock, ready);
        --waiting_;
        return queued_ != 0 && !stopped_;
    }

    std::size_t size() const {
        const std::lock_guard lock{mutex_};
        return queued_;
    }

    /// See ~manual_executor.
    void stop() noexcept {
        {
            const std::lock_guard lock{mutex_};
            stopped_ = true;
            begin_to_end();
            queued_ = 0;
            changed_.notify_all();
        }
        // The queue is the caller's now: nobody else touches it once it is stopped.
        while (base::job* const left = jobs_.pop()) left->act(*left, false);
        const std::size_t mine = depth_here();
        if (!wait_for_others(mine)) return;
        if (mine == 0) on_post_ = nullptr;  // else it may be what calls, and goes with the state
    }

private:
    /// Around what is the user's: lets go of the lock, and has it again at the end.
    class scope {
    public:
        scope(manual_queue& of, std::unique_lock<base::mutex>& lock)
            : of_{of.shared_from_this()}, lock_{&lock}, outer_{here::get()}, inside_{&of} {
            ++of.entered_;
            here::set(this);
            lock.unlock();
        }
        ~scope() {
            lock_->lock();
            here::set(outer_);
            --of_->entered_;
            if (of_->stopped_) of_->changed_.notify_all();
            lock_->unlock();  // before the state may end
        }
        scope(const scope&) = delete;
        scope& operator=(const scope&) = delete;

        const std::shared_ptr<manual_queue> of_;
        std::unique_lock<base::mutex>* const lock_;
        const scope* const outer_;
        const base::executor_scope inside_;
    };
    using here = base::thread_pointer<const scope>;

    /// Until the calling thread alone is inside, in `mine` scopes. False: it would wait for itself.
    bool wait_for_others(std::size_t mine) noexcept {
        const auto alone = [&] { return entered_ == mine; };
        {
            const std::lock_guard lock{mutex_};
            if (alone()) return true;
        }
        base::domain& home = base::domain::here();
        const base::entry_in_graph waiting{home, base::thread_wait{.all_of = this, .who = home.find()}};
        if (!waiting.may_wait()) return false;
        std::unique_lock lock{mutex_};
        ++waiting_;
        changed_.wait(lock, alone);
        --waiting_;
        return true;
    }

    bool is_mine() const noexcept { return owner_.load(std::memory_order_relaxed) == base::this_thread_id(); }

    /// How many of its scopes the calling thread is inside of.
    std::size_t depth_here() const noexcept {
        std::size_t depth = 0;
        for (const scope* s = here::get(); s != nullptr; s = s->outer_) depth += s->of_.get() == this ? 1U : 0U;
        return depth;
    }

    /// With the lock, which it lets go of.
    bool run_next(std::unique_lock<base::mutex>& lock) {
        if (stopped_) return false;
        base::job* const next = jobs_.pop();
        if (next == nullptr) return false;
        --queued_;
        const scope running{*this, lock};
        next->act(*next, true);
        return true;
    }

    base::shared_function<void()> on_post_;  // constant from the first post() to stop()
    const bool tells_;

    mutable base::mutex mutex_;
    base::condition_variable changed_;  // it is no longer empty, or it is stopped, or a scope has ended since

    // Guarded by mutex_.
    base::job_queue jobs_;
    std::size_t queued_ = 0;
    std::size_t waiting_ = 0;  // for changed_
    std::size_t entered_ = 0;  // scopes
    bool stopped_ = false;
    base::atomic<base::thread_id> owner_;
};

}  // namespace tidings::detail
