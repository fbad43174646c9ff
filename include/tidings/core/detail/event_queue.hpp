/// A bounded queue of events, and the tasks that empty it.
///
/// Publishers push under a lock that is held for some instructions. The queue asks its executor for a task when there
/// is more to do than tasks; each task takes what waits, up to a batch, and runs the handlers without the lock. Order
/// comes from the queue; the executor knows nothing of events.
#pragma once

#include <tidings/base/asymmetric_fence.hpp>
#include <tidings/base/attachment.hpp>
#include <tidings/base/barrier.hpp>
#include <tidings/base/brief_lock.hpp>
#include <tidings/base/domain.hpp>
#include <tidings/base/executor_scope.hpp>
#include <tidings/base/idle_hook.hpp>
#include <tidings/base/job.hpp>
#include <tidings/base/sync.hpp>
#include <tidings/base/wait_graph.hpp>
#include <tidings/base/wait_room.hpp>
#include <tidings/core/delivery.hpp>
#include <tidings/core/detail/backlog.hpp>
#include <tidings/core/detail/line_of_publishers.hpp>
#include <tidings/core/detail/queued_node.hpp>
#include <tidings/core/detail/quiet_signal.hpp>
#include <tidings/core/detail/time_source.hpp>
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

/// What became of an event that came to a queue.
enum class push_result { queued, rejected, would_deadlock };

/// Somebody who waits for an event without a thread. Its task is posted when `event` is set, or null for good.
struct pop_waiter : base::job {
    using job::job;
    envelope* event = nullptr;
    executor_port* resume_on = nullptr;
    pop_waiter* next_waiting = nullptr;
};

class event_queue {
public:
    struct releaser {
        void operator()(event_queue* queue) const noexcept { queue->release(); }
    };
    using owner = std::unique_ptr<event_queue, releaser>;  ///< of one reference

    /// Without an executor nobody empties it but who pops. Throws std::bad_alloc.
    static owner make(base::domain& home, std::shared_ptr<executor_port> executor, const queue_settings& settings,
                      bool by_key, std::shared_ptr<const time_source> times, std::shared_ptr<quiet_signal> quiet) {
        return owner{new event_queue{home, std::move(executor), settings, by_key, std::move(times), std::move(quiet)}};
    }

    void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
    void release() noexcept {
        if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
    }

    /// Takes over one share of `event` if it is queued. May wait, see overflow::block. Throws std::bad_alloc and has
    /// changed nothing then but the count of what was rejected.
    push_result push(queued_node& target, envelope& event, std::uint64_t key, base::publisher& self) {
        envelope* victim = nullptr;
        worker* needed = nullptr;
        pop_waiter* served = nullptr;
        {
            base::brief_lock lock{mutex_};
            if (is_full() && !closed_ && !target.closed && settings_.when_full == overflow::block &&
                !wait_for_space(lock, target, self)) {
                ++target.counts.rejected;
                return push_result::would_deadlock;
            }
            if (closed_ || target.closed || (is_full() && settings_.when_full == overflow::reject)) {
                ++target.counts.rejected;
                return push_result::rejected;
            }
            if (abandoned_) [[unlikely]] {
                ++target.counts.accepted;
                target.counts.discarded.fetch_add(1, std::memory_order_relaxed);
                victim = &event;
            } else if (is_full() && settings_.when_full == overflow::drop_newest) {
                ++target.counts.accepted;
                ++target.counts.dropped;
                victim = &event;
            } else {
                // Before what is given up for it: to make room may fail.
                bool more = false;
                TIDINGS_TRY { more = waiting_.push({&event, &target, key}); }
                TIDINGS_CATCH_ALL {
                    ++target.counts.rejected;
                    TIDINGS_RETHROW;
                }
                ++target.counts.accepted;
                arrivals_.store(arrivals_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
                if (settings_.when_full == overflow::drop_oldest && size() > settings_.capacity) {
                    const waiting_event oldest = waiting_.pop_oldest();
                    ++oldest.target->counts.dropped;
                    victim = oldest.event;
                }
                if (size_at_most() > target.counts.high_water && size() > target.counts.high_water)
                    target.counts.high_water = size();
                if (executor_ == nullptr) served = hand_over();
                else if (more) needed = hire();
            }
        }
        if (victim != nullptr) envelope::release(victim);
        if (needed != nullptr) executor_->post(task{*needed});
        if (served != nullptr) served->resume_on->post(task{*served});
        return push_result::queued;
    }

    /// No more events for `target`; who waits to push or to pop one gives up.
    void close(queued_node& target) noexcept {
        pop_waiter* ended = nullptr;
        end_waits(ended, [&] { target.closed = true; });
        resume(ended);
    }

    /// The same for all; what waits is still handled. Those without a thread who give up are added to `ended`: to
    /// resume() them no lock may be held.
    void close(pop_waiter*& ended) noexcept {
        end_waits(ended, [&] { closed_ = true; });
    }

    static void resume(pop_waiter* ended) noexcept {
        while (ended != nullptr) {
            pop_waiter& each = *std::exchange(ended, ended->next_waiting);
            each.resume_on->post(task{each});
        }
    }

    /// Destroys what waits for `target`, and counts it.
    void discard(queued_node& target) noexcept {
        discard_if([&](const waiting_event& each) { return each.target == &target; });
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

    // --- For who looks on ------------------------------------------------------------------------------------------

    subscription_stats stats(const queued_node& node) const noexcept {
        std::lock_guard lock{mutex_};
        return node.counts.read();
    }

    /// How many events the node has accepted for an executor; `idle` is set to false if there is work for it, and then
    /// quiet_signal tells of the end of it.
    std::uint64_t watch(const queued_node& node, bool& idle) noexcept {
        if (executor_ == nullptr) return 0;
        std::lock_guard lock{mutex_};
        if (hired_ != 0 || waiting_.size() != 0) {
            idle = false;
            watched_ = true;
        }
        return node.counts.accepted;
    }

    const std::shared_ptr<executor_port>& executor() const noexcept { return executor_; }

    /// Counts an event that did not even get here.
    void reject(queued_node& node) noexcept {
        std::lock_guard lock{mutex_};
        ++node.counts.rejected;
    }

    event_queue(const event_queue&) = delete;
    event_queue& operator=(const event_queue&) = delete;

private:
    /// A task for the executor.
    struct worker : base::job {
        explicit worker(event_queue& of) noexcept : job{&act_on}, home{&of} {}
        static void act_on(job& self, bool run) noexcept {
            auto& mine = static_cast<worker&>(self);
            if (run) mine.home->work(mine);
            else mine.home->abandoned(mine);
        }
        event_queue* const home;
        worker* next_free = nullptr;
    };

    static constexpr std::size_t largest_batch = 128;

#if defined(TIDINGS_SIMULATION)
    static constexpr unsigned spins = 1;
    static constexpr unsigned between_looks = 1;
#else
    static constexpr unsigned spins = 200;  // some microseconds
    static constexpr unsigned between_looks = 64;
#endif

    event_queue(base::domain& home, std::shared_ptr<executor_port> executor, const queue_settings& settings,
                bool by_key, std::shared_ptr<const time_source> times, std::shared_ptr<quiet_signal> quiet)
        : home_{home},
          executor_{std::move(executor)},
          settings_{settings},
          times_{std::move(times)},
          quiet_{std::move(quiet)},
          waiting_{by_key} {
        if (settings_.concurrency == 0) settings_.concurrency = by_key && executor_ != nullptr ? executor_->width() : 1;
        // Who takes several at once must not be overtaken, and what it took cannot be dropped.
        takes_many_ = settings_.concurrency == 1 && !by_key && settings_.when_full != overflow::drop_oldest;
    }
    ~event_queue() {
        while (free_workers_ != nullptr) delete std::exchange(free_workers_, free_workers_->next_free);
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

    // --- Work ------------------------------------------------------------------------------------------------------

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

    struct batch {
        waiting_event events[largest_batch];
        std::size_t size = 0;

        /// Whether the event before the n-th is for another subscription.
        bool starts_group(std::size_t n) const noexcept { return n == 0 || events[n].target != events[n - 1].target; }
    };

    /// Holds mutex_.
    void take(batch& taken, std::size_t most) noexcept {
        if (!takes_many_) most = 1;
        taken.size = 0;
        while (taken.size < most && waiting_.pop(taken.events[taken.size])) ++taken.size;
        if (takes_many_) {
            last_taken_ = taken.size;
            unbegun_.store(static_cast<std::uint32_t>(taken.size), base::store_order);
        }
        // Until the worker names it in its slot, it may be ended and would be freed.
        for (std::size_t n = 0; n != taken.size; ++n)
            if (taken.starts_group(n)) taken.events[n].target->references.fetch_add(1, std::memory_order_relaxed);
    }

    void work(worker& w) noexcept {
        const base::attachment here{home_, std::nothrow};
        base::slot* frame = nullptr;
        if (here.get() != nullptr) {
            TIDINGS_TRY { frame = &(*here).next_slot(); }
            TIDINGS_CATCH_ALL {}
        }
        if (frame == nullptr) {  // no memory for a slot
            executor_->post(task{w});
            return;
        }
        const base::executor_scope inside{executor_->mark().address};
        base::publisher& self = *here;
        self.open(*frame, base::publisher::between());
        frame->tally.detached = 1;
        std::size_t budget = executor_->batch();
        batch taken;
        bool again = false;
        bool quiet = false;
        bool lingered = !takes_many_;
        unsigned streaming = 0;  // batches for which it still counts as a stream that there was more than one event
        std::uint32_t known = arrivals_.load(std::memory_order_relaxed);
        for (;;) {
            if (streaming != 0) gather(known);
            {
                base::brief_lock lock{mutex_};
                for (std::size_t n = 0; n != taken.size; ++n) waiting_.finish(taken.events[n]);
                if ((budget == 0 || executor_->is_ending()) && waiting_.size() != 0) {
                    again = true;
                    break;
                }
                take(taken, budget < largest_batch ? budget : largest_batch);
                if (taken.size == 0 && !lingered) {
                    lingered = true;
                    lock.unlock();
                    linger();
                    continue;
                }
                if (taken.size == 0) {
                    quiet = dismiss(w);
                    break;
                }
                lingered = false;
                if (taken.size > 1) streaming = 16;
                else if (streaming != 0) --streaming;
                known = arrivals_.load(std::memory_order_relaxed) - static_cast<std::uint32_t>(waiting_.size());
            }
            budget -= taken.size;
            if (home_.asymmetric()) run_batch<true>(self, *frame, taken);
            else run_batch<false>(self, *frame, taken);
        }
        frame->tally = {};
        self.close(*frame);
        if (again) {
            executor_->post(task{w});
            return;
        }
        if (quiet) quiet_->changed();
        release();
    }

    /// Looks out for more, without the lock, while the executor has nothing else to do: to be hired again takes longer.
    void linger() const noexcept {
        const std::uint32_t seen = arrivals_.load(std::memory_order_relaxed);
        for (unsigned n = 0; n != spins; ++n) {
            if (executor_->is_busy() || arrivals_.load(std::memory_order_relaxed) != seen) return;
            for (unsigned pause = 0; pause != 4; ++pause) base::cpu_relax();
        }
    }

    /// Where events come in a stream, waits until there are some, so that neither side takes the lock for each. Some
    /// microseconds at most, and only who is faster than the publishers gets here with few of them. A question that is
    /// asked when the answer to the last one has come is no stream, and is not kept waiting. `known` arrivals have been
    /// taken.
    ///
    /// Each look takes the line of the lock away from the publishers, and makes the next of them wait for it: with more
    /// looks the publishers get slower, there are fewer events at the next look, and in the end two at a time.
    void gather(std::uint32_t known) const noexcept {
        std::uint32_t seen = arrivals_.load(std::memory_order_relaxed);
        for (unsigned look = 0; look != 3 && seen != known && seen - known < largest_batch / 2; ++look) {
            if (executor_->is_busy()) return;
            for (unsigned pause = 0; pause != between_looks; ++pause) base::cpu_relax();
            const std::uint32_t now = arrivals_.load(std::memory_order_relaxed);
            if (now == seen) return;
            seen = now;
        }
    }

    template <bool Asymmetric>
    void run_batch(base::publisher& self, base::slot& frame, const batch& taken) noexcept {
        for (std::size_t n = 0; n != taken.size; ++n) taken.events[n].event->prefetch();
        for (std::size_t n = 0; n != taken.size;) {
            queued_node& node = *taken.events[n].target;
            frame.table.store(&node.origin, base::store_order);
            frame.running.store(&node, base::store_order);
            base::light_fence<Asymmetric>();  // naming the node, then looking at it, as in dispatch()
            std::uint64_t delivered = 0;
            std::uint64_t failed = 0;
            std::uint64_t discarded = 0;
            std::chrono::nanoseconds longest_wait{0};
            do {
                begin_next<Asymmetric>(taken.size - n - 1);
                envelope* const event = taken.events[n].event;
                // Seen inactive once, it stays so: the rest is discarded. So it is if the executor ends.
                if (node.active.load(base::load_order) && !executor_->is_ending()) {
                    const std::chrono::nanoseconds waited = time_source::stamp(times_.get()) - event->stamp;
                    if (waited > longest_wait) longest_wait = waited;
                    switch (run(node, frame, *event)) {
                        case outcome::handled:
                            ++delivered;
                            break;
                        case outcome::failed:
                            ++failed;
                            break;
                        default:
                            ++discarded;
                            break;
                    }
                } else {
                    ++discarded;
                }
                envelope::release(event);
                ++n;
            } while (n != taken.size && !taken.starts_group(n));
            if (delivered != 0) node.counts.delivered.fetch_add(delivered, std::memory_order_release);
            if (failed != 0) node.counts.failed.fetch_add(failed, std::memory_order_release);
            if (discarded != 0) node.counts.discarded.fetch_add(discarded, std::memory_order_release);
            node.counts.note_wait(longest_wait);
            frame.running.store(base::publisher::between(), base::store_order);
            base::light_fence<Asymmetric>();  // then looking again: whoever saw the node in the slot waits for us
            if (!node.active.load(base::load_order)) base::left_inactive(self, node);
            static constexpr base::table_base none;
            frame.table.store(&none, base::store_order);  // the one that it names goes with the node
            node.give_back(node);
        }
    }

    static outcome run(queued_node& node, base::slot& frame, envelope& event) noexcept {
        frame.tally = {};  // the destructor of the event before may have asked for an id
        frame.tally.detached = 1;
        frame.event = &event;
        frame.options = event.options();
        const outcome result = node.handle(node, frame, event.event());
        frame.event = nullptr;
        frame.options = nullptr;
        frame.tally = {};
        frame.tally.detached = 1;
        return result;
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

    /// The executor will not run that worker. If there is no other, nobody will handle what waits.
    TIDINGS_COLD void abandoned(worker& w) noexcept {
        bool alone = false;
        bool quiet = false;
        {
            std::lock_guard lock{mutex_};
            alone = hired_ == 1;
            if (alone) abandoned_ = true;  // what comes meanwhile is discarded at once
            else quiet = dismiss(w);
        }
        if (alone) {
            discard_if([](const waiting_event&) { return true; });
            std::lock_guard lock{mutex_};
            abandoned_ = false;
            waiting_.forget_empty();  // an event that comes later has to hire again
            quiet = dismiss(w);
        }
        space_.notify_all();
        if (quiet) quiet_->changed();
        release();
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

    base::domain& home_;
    const std::shared_ptr<executor_port> executor_;  // null: nobody but pop() takes events
    queue_settings settings_;
    bool takes_many_ = false;
    const std::shared_ptr<const time_source> times_;  // null: the system's
    const std::shared_ptr<quiet_signal> quiet_;
    base::atomic<std::uint32_t> references_{1};

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
    bool watched_ = false;
    bool abandoned_ = false;             ///< by its executor, at this moment
    pop_waiter* pop_waiters_ = nullptr;  // without an event: then none waits
    unsigned hired_ = 0;
    bool first_worker_hired_ = false;
    worker first_worker_{*this};
    worker* free_workers_ = nullptr;
};

}  // namespace tidings::detail
