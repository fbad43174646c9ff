/// What waits in a queue, and who waits at it: publishers for room, who has no executor for events.
#pragma once

#include <tidings/base/asymmetric_fence.hpp>
#include <tidings/base/domain.hpp>
#include <tidings/base/idle_hook.hpp>
#include <tidings/base/job.hpp>
#include <tidings/base/publisher.hpp>
#include <tidings/base/sync.hpp>
#include <tidings/base/wait_graph.hpp>
#include <tidings/base/wait_room.hpp>
#include <tidings/core/delivery.hpp>
#include <tidings/core/detail/backlog.hpp>
#include <tidings/core/detail/envelope.hpp>
#include <tidings/core/detail/line_of_publishers.hpp>
#include <tidings/core/detail/queued_node.hpp>
#include <tidings/core/detail/time_source.hpp>
#include <tidings/executor/executor.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>

namespace tidings::detail {

/// Somebody who waits for an event without a thread. Its task is posted when `event` is set, or null for good.
struct pop_waiter : base::job {
    using job::job;
    envelope* event = nullptr;
    executor_port* resume_on = nullptr;
    pop_waiter* next_waiting = nullptr;
};

/// The lock, what it guards of every queue, and the waits. Who empties it: see event_queue.
class queue_contents {
public:
    queue_contents(const queue_contents&) = delete;
    queue_contents& operator=(const queue_contents&) = delete;

    /// No more events for `target`; who waits to push or to pop one gives up.
    void close(queued_node& target) noexcept {
        pop_waiter* ended = nullptr;
        end_waits(ended, [&] { target.closed = true; });
        let_go(ended);
    }

    /// The same for all; what waits is still handled. Those without a thread who give up are added to `ended`: to
    /// let them go no lock may be held.
    void close(pop_waiter*& ended) noexcept {
        end_waits(ended, [&] { closed_ = true; });
    }

    static void let_go(pop_waiter* ended) noexcept {
        while (ended != nullptr) {
            pop_waiter& each = *std::exchange(ended, ended->next_waiting);
            each.resume_on->post(task{each});
        }
    }

    // --- For who has no executor -----------------------------------------------------------------------------------

    /// Waits for an event until `deadline`; null when it has passed, or when nothing is left and nothing will come. The
    /// caller gets a share of the event.
    envelope* pop(const queued_node& target, std::chrono::steady_clock::time_point deadline) {
        std::unique_lock lock{mutex_};
        waiting_event taken;
        for (bool again = false; !waiting_.pop(taken); again = true) {
            if (closed_ || target.closed) return nullptr;
            if (!wait_for_arrival(lock, deadline, again)) {
                if (waiting_.pop(taken)) break;
                return nullptr;
            }
        }
        count_pop(taken);
        lock.unlock();
        space_.notify_all();
        return taken.event;
    }

    /// Gives the waiter an event, or null if none will come, and returns false; or else it waits.
    bool pop_or_wait(const queued_node& target, pop_waiter& waiter, executor_port& resume_on) noexcept {
        waiting_event taken;
        {
            std::lock_guard lock{mutex_};
            if (!waiting_.pop(taken)) {
                if (closed_ || target.closed) return false;
                waiter.resume_on = &resume_on;
                pop_waiter** link = &pop_waiters_;
                while (*link != nullptr) link = &(*link)->next_waiting;
                *link = &waiter;
                return true;
            }
            count_pop(taken);
            waiter.event = taken.event;
        }
        space_.notify_all();
        return false;
    }

protected:
#if defined(TIDINGS_SIMULATION)
    static constexpr unsigned spins = 1;
    static constexpr unsigned between_looks = 1;
#else
    static constexpr unsigned spins = 200;  // some microseconds
    static constexpr unsigned between_looks = 64;
#endif

    static constexpr std::size_t largest_batch = 128;

    queue_contents(base::domain& home, std::shared_ptr<executor_port> executor, const queue_settings& settings,
                   bool by_key, redelivery returns, std::shared_ptr<const time_source> times)
        : home_{home},
          executor_{std::move(executor)},
          settings_{settings},
          times_{std::move(times)},
          waiting_{lines_of(settings, by_key, returns), returns} {
        if (settings_.concurrency == 0) settings_.concurrency = by_key && executor_ != nullptr ? executor_->width() : 1;
        if (settings_.prefetch == 0) settings_.prefetch = 1;
        // Who takes several at once must not be overtaken, and what it took cannot be dropped.
        takes_many_ = settings_.concurrency == 1 && !by_key && settings_.when_full != overflow::drop_oldest;
    }
    ~queue_contents() = default;

    /// What rests must hold up those behind it only where order was asked for.
    static lines lines_of(const queue_settings& settings, bool by_key, redelivery returns) noexcept {
        if (by_key) return lines::by_key;
        return returns == redelivery::possible && settings.concurrency > 1 ? lines::each_alone : lines::one;
    }

    // --- Room ------------------------------------------------------------------------------------------------------

    /// How many wait; with what a worker has taken and not begun. Holds mutex_.
    std::size_t size() const noexcept { return waiting_.size() + unbegun_.load(base::load_order); }

    /// No less than size(), and looks at nothing that the worker writes for each event. Holds mutex_.
    std::size_t size_at_most() const noexcept { return waiting_.size() + last_taken_; }

    /// Those who wait to push come first. Holds mutex_.
    bool is_full() const noexcept {
        return size_at_most() + publishers_.size() >= settings_.capacity &&
               size() + publishers_.size() >= settings_.capacity;
    }

    /// Holds the lock, and lets go of it meanwhile. False: no, and there never will be, or not without the caller.
    bool wait_for_space(std::unique_lock<base::mutex>& lock, queued_node& target, base::publisher& self) {
        if (executor_ != nullptr) {
            lock.unlock();
            const bool waits_for_itself = executor_->is_here();
            lock.lock();
            if (waits_for_itself) return false;
            while (is_full() && !closed_ && !target.closed) {
                lock.unlock();
                const bool helped = executor_->help();
                const bool helps = helped || (base::idle_hook::here() == nullptr && executor_->helps_here());
                lock.lock();
                if (!helps) break;
                // Whoever has hired the worker has not posted it yet: look again soon.
                if (!helped && is_full() && !closed_ && !target.closed)
                    space_.wait_until(lock, base::steady_clock::now() + std::chrono::milliseconds{1});
            }
            if (!is_full() || closed_ || target.closed || spin_for_space(lock)) return true;
        }
        line_of_publishers::place mine{publishers_};
        blocked_.store(true, base::store_order);  // pairs with begin_next(), by the fence
        home_.heavy_fence(&self);
        const auto over = [&] { return closed_ || target.closed || (mine.is_first() && size() < settings_.capacity); };
        bool comes = true;
        while (comes && !over()) {
            lock.unlock();
            {
                // Until the target's handler makes room, for which some thread of its executor has to be free.
                const base::entry_in_graph waiting{
                    home_, base::wait_until{base::thread_wait{.slots = {&target, &target.origin},
                                                              .any_of = executor_ != nullptr ? executor_->mark()
                                                                                             : base::executor_mark{},
                                                              .who = &self},
                                            [&] {
                                                const std::lock_guard looking{mutex_};
                                                return over();
                                            }}};
                lock.lock();
                comes = waiting.may_wait() && base::wait(space_, lock, over);  // no: in a simulation nobody is left
                lock.unlock();
            }
            lock.lock();
        }
        // The place is free for this one alone: the others count among publishers_. With more than one free, the next
        // may come too.
        leave(mine, lock);
        return comes;
    }

    /// Holds mutex_.
    void leave(line_of_publishers::place& mine, std::unique_lock<base::mutex>&) noexcept {
        mine.leave();
        blocked_.store(!publishers_.empty(), base::store_order);
        space_.notify_all();
    }

    /// Quick handlers make room sooner than a thread is put to sleep and woken; and when they have made some for more
    /// than one event, the two threads get less into each other's way. Whether there is room.
    bool spin_for_space(std::unique_lock<base::mutex>& lock) noexcept {
        for (unsigned round = 0; round != 16 && publishers_.empty() && is_full(); ++round) {
            std::uint32_t seen = unbegun_.load(std::memory_order_relaxed);
            lock.unlock();
            for (unsigned unchanged = 0; unchanged != spins / 8;) {
                for (unsigned pause = 0; pause != 8; ++pause) base::cpu_relax();
                const std::uint32_t now = unbegun_.load(std::memory_order_relaxed);
                if (now == 0 || now > seen) break;
                unchanged = now == seen ? unchanged + 1 : 0;
                seen = now;
            }
            lock.lock();
        }
        return !is_full();
    }

    bool wait_for_arrival(std::unique_lock<base::mutex>& lock, std::chrono::steady_clock::time_point deadline,
                          bool again) {
        if (base::idle_hook* const hook = base::idle_hook::here()) {
            lock.unlock();
            const bool something = hook->go_on(deadline, again);
            lock.lock();
            return something;
        }
        if (deadline == std::chrono::steady_clock::time_point::min()) return false;
        if (deadline == base::idle_hook::never) {
            arrived_.wait(lock);
            return true;
        }
        return arrived_.wait_until(lock, deadline) == std::cv_status::no_timeout;
    }

    /// One of the batch begins, and this many are left: room for whom waits to push.
    template <bool Asymmetric>
    void begin_next(std::size_t left) noexcept {
        if (takes_many_) {
            unbegun_.store(static_cast<std::uint32_t>(left), base::store_order);
            base::light_fence<Asymmetric>();  // then looking for publishers: pairs with wait_for_space()
        }
        if (blocked_.load(base::load_order)) [[unlikely]] {
            {
                std::lock_guard lock{mutex_};
            }
            space_.notify_all();
        }
    }

    template <class Chosen>
    void discard_if(Chosen chosen) noexcept {
        for (;;) {  // a few at a time: no memory is needed for it
            waiting_event found[16];
            std::size_t count = 0;
            {
                std::lock_guard lock{mutex_};
                waiting_.take_if([&](const waiting_event& e) { return count != 16 && chosen(e); },
                                 [&](const waiting_event& e) {
                                     e.target->counts.discarded.fetch_add(1, std::memory_order_relaxed);
                                     found[count++] = e;
                                 });
            }
            for (std::size_t n = 0; n != count; ++n) envelope::release(found[n].event);
            if (count != 16) break;
        }
        space_.notify_all();
    }

    // --- For who has no executor -----------------------------------------------------------------------------------

    /// Holds mutex_.
    void count_pop(const waiting_event& taken) noexcept {
        taken.target->counts.note_wait(time_source::stamp(times_.get()) - taken.event->stamp);
        waiting_.finish(taken);
        taken.target->counts.delivered.fetch_add(1, std::memory_order_relaxed);
    }

    /// To who waits without a thread, if there is one; else wakes one with a thread. Holds mutex_.
    pop_waiter* hand_over() noexcept {
        pop_waiter* const first = pop_waiters_;
        waiting_event taken;
        if (first == nullptr || !waiting_.pop(taken)) {
            arrived_.notify_one();
            return nullptr;
        }
        pop_waiters_ = first->next_waiting;
        count_pop(taken);
        first->event = taken.event;
        return first;
    }

    template <class Change>
    void end_waits(pop_waiter*& ended, Change change) noexcept {
        {
            std::lock_guard lock{mutex_};
            change();
            pop_waiter** link = &ended;
            while (*link != nullptr) link = &(*link)->next_waiting;
            *link = std::exchange(pop_waiters_, nullptr);
        }
        space_.notify_all();
        arrived_.notify_all();
    }

    base::domain& home_;
    const std::shared_ptr<executor_port> executor_;  // null: nobody but pop() takes events
    queue_settings settings_;
    bool takes_many_ = false;
    const std::shared_ptr<const time_source> times_;  // null: the system's

    base::atomic<bool> blocked_{false};  // publishers_ is not empty

    // Of the worker: taken, and not begun.
    alignas(base::cache_line) base::atomic<std::uint32_t> unbegun_{0};

    alignas(base::cache_line) mutable base::mutex mutex_;
    base::atomic<std::uint32_t> arrivals_{0};  // a hint; written under mutex_
    base::condition_variable space_;
    base::condition_variable arrived_;

    // Guarded by mutex_.
    std::size_t last_taken_ = 0;
    backlog waiting_;
    line_of_publishers publishers_;
    bool closed_ = false;
    pop_waiter* pop_waiters_ = nullptr;  // without an event: then none waits
};

}  // namespace tidings::detail
