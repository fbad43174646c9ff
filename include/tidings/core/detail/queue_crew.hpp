/// Those who empty a queue: tasks of its executor, hired when there is something to do, and woken when a line of it has
/// rested.
#pragma once

#include <tidings/base/config.hpp>
#include <tidings/base/domain.hpp>
#include <tidings/base/job.hpp>
#include <tidings/base/sync.hpp>
#include <tidings/core/delivery.hpp>
#include <tidings/core/detail/backlog.hpp>
#include <tidings/core/detail/queue_contents.hpp>
#include <tidings/core/detail/queued_node.hpp>
#include <tidings/core/detail/quiet_signal.hpp>
#include <tidings/core/detail/time_source.hpp>
#include <tidings/executor/clock.hpp>
#include <tidings/executor/executor.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <new>
#include <utility>

namespace tidings::detail {

/// A queue with its workers. What they do: see event_queue.
class queue_crew : public queue_contents {
public:
    void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
    void release() noexcept {
        if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
    }

    /// Destroys what waits for `target`, and counts it. What rested behind it goes on.
    void discard(queued_node& target) noexcept {
        discard_if([&](const waiting_event& each) { return each.target == &target; });
        worker* hired = nullptr;
        bool quiet = false;
        {
            std::lock_guard lock{mutex_};
            if (waiting_.size() == 0) {
                forget_rest();
                quiet = hired_ == 0 && std::exchange(watched_, false);
            } else if (hired_ == 0 && executor_ != nullptr && !is_paused()) {
                hired = hire();
            }
        }
        post(hired);
        if (quiet) quiet_->changed();
    }

    /// Ends the rest that a handler asked for by outcome::not_now; of no effect on one that was asked to come again.
    void resume() noexcept {
        worker* hired = nullptr;
        {
            std::lock_guard lock{mutex_};
            ++resumes_;
            if (!is_paused()) return;
            paused_until_ = time_point::min();
            hired = hire_some(waiting_.size());
        }
        post(hired);
    }

    /// The line of that key goes on, if it rests until it is woken; if what is to rest so is being handled, it will
    /// not.
    void wake_line(std::uint64_t key) noexcept {
        worker* hired = nullptr;
        {
            std::lock_guard lock{mutex_};
            ++wakings_;
            if (waiting_.wake_line(key) && !is_paused()) hired = hire_some(1);
        }
        post(hired);
    }

protected:
    /// A task for the executor.
    struct worker : base::job {
        explicit worker(queue_crew& of) noexcept : job{&act_on}, home{&of} {}
        static void act_on(job& self, bool run) noexcept {
            auto& mine = static_cast<worker&>(self);
            if (run) mine.home->work(mine);
            else mine.home->abandoned(mine);
        }
        queue_crew* const home;
        worker* next_free = nullptr;  ///< or hired at the same time
    };

    using time_point = backlog::time_point;

    /// Rings when a line has rested. While it is set it has a reference.
    struct rest_alarm : alarm {
        explicit rest_alarm(queue_crew& of) noexcept : alarm{&act_on}, home{&of} {}
        static void act_on(alarm& self) noexcept {
            queue_crew& queue = *static_cast<rest_alarm&>(self).home;
            queue.wake();
            queue.release();
        }
        queue_crew* const home;
    };

    queue_crew(base::domain& home, std::shared_ptr<executor_port> executor, const queue_settings& settings, bool by_key,
               redelivery returns, std::shared_ptr<const time_source> times, std::shared_ptr<quiet_signal> quiet)
        : queue_contents{home, std::move(executor), settings, by_key, returns, std::move(times)},
          quiet_{std::move(quiet)} {}
    virtual ~queue_crew() {
        while (free_workers_ != nullptr) delete std::exchange(free_workers_, free_workers_->next_free);
    }

    virtual void work(worker& w) noexcept = 0;

    /// The executor will not run that worker.
    virtual void abandoned(worker& w) noexcept = 0;

    // --- Hiring ----------------------------------------------------------------------------------------------------

    /// One more worker, if there may be one. Holds mutex_. Throws nothing: without memory the others do it, and the
    /// first is made in advance.
    worker* hire() noexcept {
        if (hired_ == settings_.concurrency) return nullptr;
        worker* hired = nullptr;
        if (!first_worker_hired_) {
            hired = &first_worker_;
            first_worker_hired_ = true;
        } else if (free_workers_ != nullptr) {
            hired = std::exchange(free_workers_, free_workers_->next_free);
        } else {
            hired = new (std::nothrow) worker{*this};
            if (hired == nullptr) return nullptr;
        }
        ++hired_;
        retain();
        return hired;
    }

    /// Holds mutex_. Returns whether somebody waits for quiet.
    bool dismiss(worker& w) noexcept {
        if (&w == &first_worker_) first_worker_hired_ = false;
        else w.next_free = std::exchange(free_workers_, &w);
        --hired_;
        return hired_ == 0 && waiting_.size() == 0 && std::exchange(watched_, false);
    }

    /// As many as may work at once, and no more than `most`. Holds mutex_.
    worker* hire_some(std::size_t most) noexcept {
        worker* all = nullptr;
        for (; most != 0; --most) {
            worker* const one = hire();
            if (one == nullptr) break;
            one->next_free = std::exchange(all, one);
        }
        return all;
    }

    void post(worker* hired) noexcept {
        while (hired != nullptr) {
            worker& each = *std::exchange(hired, hired->next_free);
            executor_->post(task{each});
        }
    }

    // --- Rest ------------------------------------------------------------------------------------------------------

    bool is_paused() const noexcept { return paused_until_ != time_point::min(); }

    /// So that somebody comes when the first line has rested. False: the clock has no memory for it, or no thread; then
    /// a worker has to come back here. Holds mutex_.
    bool set_alarm() noexcept {
        const time_point line = waiting_.next_due();
        const time_point due = is_paused() && paused_until_ < line ? paused_until_ : line;
        if (due >= alarm_due_) return true;
        clock_port& clock = time_source::clock(times_.get());
        if (alarm_due_ == time_point::max()) retain();
        else if (!clock.cancel(alarm_)) return true;  // it rings at this moment, and sets itself then
        TIDINGS_TRY {
            clock.call_at(alarm_, due);
            alarm_due_ = due;
            return true;
        }
        TIDINGS_CATCH_ALL {}
        alarm_due_ = time_point::max();
        release();  // not the last: the caller has one
        return false;
    }

    TIDINGS_COLD void wake() noexcept {
        worker* hired = nullptr;
        {
            std::lock_guard lock{mutex_};
            alarm_due_ = time_point::max();
            const time_point now = time_source::now(times_.get());
            std::size_t wanted = waiting_.wake(now);
            if (is_paused() && paused_until_ <= now) {
                paused_until_ = time_point::min();
                wanted = waiting_.size();
            }
            if (is_paused()) wanted = 0;
            if (!set_alarm() && wanted == 0) wanted = 1;  // who is at work already sets it before leaving
            hired = hire_some(wanted);
        }
        post(hired);
    }

    /// Of a queue without events: nothing of it rests. Holds mutex_.
    void forget_rest() noexcept {
        waiting_.forget_empty();
        paused_until_ = time_point::min();
        if (alarm_due_ == time_point::max() || !time_source::clock(times_.get()).cancel(alarm_)) return;
        alarm_due_ = time_point::max();
        release();  // not the last: the caller has one
    }

    const std::shared_ptr<quiet_signal> quiet_;

    // Guarded by mutex_.
    bool watched_ = false;
    bool abandoned_ = false;  ///< by its executor, at this moment
    unsigned hired_ = 0;
    bool first_worker_hired_ = false;
    worker first_worker_{*this};
    worker* free_workers_ = nullptr;
    time_point paused_until_ = time_point::min();  ///< the least: it is not paused
    std::uint64_t resumes_ = 0;
    std::uint64_t wakings_ = 0;
    rest_alarm alarm_{*this};
    time_point alarm_due_ = time_point::max();  ///< the last moment there is: it is not set

private:
    base::atomic<std::uint32_t> references_{1};
};

}  // namespace tidings::detail
