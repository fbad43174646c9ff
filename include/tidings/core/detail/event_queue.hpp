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
#include <tidings/base/job.hpp>
#include <tidings/base/sync.hpp>
#include <tidings/core/delivery.hpp>
#include <tidings/core/detail/attempt.hpp>
#include <tidings/core/detail/backlog.hpp>
#include <tidings/core/detail/envelope.hpp>
#include <tidings/core/detail/queue_crew.hpp>
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

/// What became of an event that came to a queue.
enum class push_result {
    queued,
    dropped,  ///< accepted, counted, and destroyed at once
    rejected,
    would_deadlock,
};

constexpr bool is_accepted(push_result result) noexcept { return result <= push_result::dropped; }

/// A queue with those who empty it. Its workers are tasks of the executor, hired when there is something to do.
class event_queue final : public queue_crew {
public:
    struct releaser {
        void operator()(event_queue* queue) const noexcept { queue->release(); }
    };
    using owner = std::unique_ptr<event_queue, releaser>;  ///< of one reference

    /// Without an executor nobody empties it but who pops. Throws std::bad_alloc.
    static owner make(base::domain& home, std::shared_ptr<executor_port> executor, const queue_settings& settings,
                      bool by_key, redelivery returns, std::shared_ptr<const time_source> times,
                      std::shared_ptr<quiet_signal> quiet) {
        return owner{
            new event_queue{home, std::move(executor), settings, by_key, returns, std::move(times), std::move(quiet)}};
    }

    /// Takes over one share of `event` if it is accepted. May wait, see overflow::block. Throws std::bad_alloc and has
    /// changed nothing then but the count of what was rejected.
    push_result push(queued_node& target, envelope& event, std::uint64_t key, base::publisher& self) {
        envelope* victim = nullptr;
        worker* needed = nullptr;
        pop_waiter* served = nullptr;
        push_result result = push_result::queued;
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
                result = push_result::dropped;
            } else if (is_full() && settings_.when_full == overflow::drop_newest) {
                ++target.counts.accepted;
                ++target.counts.dropped;
                victim = &event;
                result = push_result::dropped;
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
                    more = true;  // if it rested, the others do not any more
                }
                if (size_at_most() > target.counts.high_water && size() > target.counts.high_water)
                    target.counts.high_water = size();
                if (executor_ == nullptr) served = hand_over();
                else if (more && !is_paused()) needed = hire();
            }
        }
        if (victim != nullptr) envelope::release(victim);
        if (needed != nullptr) executor_->post(task{*needed});
        if (served != nullptr) served->resume_on->post(task{*served});
        return result;
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
    event_queue(base::domain& home, std::shared_ptr<executor_port> executor, const queue_settings& settings,
                bool by_key, redelivery returns, std::shared_ptr<const time_source> times,
                std::shared_ptr<quiet_signal> quiet)
        : queue_crew{home, std::move(executor), settings, by_key, returns, std::move(times), std::move(quiet)},
          returns_{returns} {}

    // --- Work ------------------------------------------------------------------------------------------------------

    struct batch {
        waiting_event events[largest_batch];
        std::size_t size = 0;
        unsigned failed = 0;        ///< how often the first of them has come back
        std::uint64_t resumes = 0;  ///< when they were taken
        std::uint64_t wakings = 0;  ///< when they were taken

        /// Whether the event before the n-th is for another subscription.
        bool starts_group(std::size_t n) const noexcept { return n == 0 || events[n].target != events[n - 1].target; }
    };

    /// Holds mutex_.
    void take(batch& taken, std::size_t most) noexcept {
        if (!takes_many_) most = 1;
        if (is_paused()) most = 0;
        taken.size = 0;
        taken.resumes = resumes_;
        taken.wakings = wakings_;
        while (taken.size < most && waiting_.pop(taken.events[taken.size])) {
            if (taken.size == 0) taken.failed = waiting_.failed(taken.events[0]);
            ++taken.size;
        }
        if (takes_many_) {
            last_taken_ = taken.size;
            unbegun_.store(static_cast<std::uint32_t>(taken.size), base::store_order);
        }
        // Until the worker names it in its slot, it may be ended and would be freed.
        for (std::size_t n = 0; n != taken.size; ++n)
            if (taken.starts_group(n)) taken.events[n].target->references.fetch_add(1, std::memory_order_relaxed);
    }

    void work(worker& w) noexcept override {
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
                take(taken, budget < largest_take_ ? budget : largest_take_);
                if (taken.size == 0 && !lingered) {
                    lingered = true;
                    lock.unlock();
                    linger();
                    continue;
                }
                if (taken.size == 0) {
                    again = !set_alarm();
                    if (!again) quiet = dismiss(w);
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
    void run_batch(base::publisher& self, base::slot& frame, batch& taken) noexcept {
        attempt delivery{.number = taken.failed, .resumes = taken.resumes, .wakings = taken.wakings, .queue = this};
        const bool returns = returns_ == redelivery::possible;
        if (returns) frame.attempt = &delivery;
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
                    if (waited > longest_wait && taken.failed == 0) longest_wait = waited;
                    if (returns) {
                        delivery.number = std::exchange(taken.failed, 0) + 1;
                        delivery.key = taken.events[n].key;
                    }
                    const outcome result = run(node, frame, *event);
                    switch (result) {
                        case outcome::handled:
                            ++delivered;
                            break;
                        case outcome::failed:
                            ++failed;
                            break;
                        case outcome::again:
                        case outcome::not_now:
                        case outcome::rests:
                            put_back(taken, n, delivery, result);
                            n = taken.size;
                            continue;  // to the end of the loop
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
        frame.attempt = nullptr;
    }

    // --- Rest ------------------------------------------------------------------------------------------------------

    /// The n-th of what was taken comes again, and what was taken after it has not begun: as if it had not been taken.
    TIDINGS_COLD void put_back(batch& taken, std::size_t n, const attempt& delivery, outcome why) noexcept {
        queued_node* behind[largest_batch];  // those that take() took a reference to
        std::size_t groups = 0;
        {
            std::lock_guard lock{mutex_};
            for (std::size_t last = taken.size - 1; last != n; --last) {
                if (taken.starts_group(last)) behind[groups++] = taken.events[last].target;
                waiting_.put_back(taken.events[last], 0, time_point::min());
            }
            if (why == outcome::again) {
                waiting_.put_back(taken.events[n], delivery.number, delivery.due);
            } else if (why == outcome::rests) {
                const bool woken = delivery.wakings != wakings_;
                waiting_.put_back(taken.events[n], delivery.number - 1, woken ? time_point::min() : delivery.due,
                                  rest::until_woken);
            } else {
                waiting_.put_back(taken.events[n], delivery.number - 1, time_point::min());
                if (delivery.resumes == resumes_) paused_until_ = delivery.due;
            }
            taken.size = n;
            last_taken_ = 0;
            unbegun_.store(0, base::store_order);
            set_alarm();
        }
        while (groups != 0) {
            queued_node& each = *behind[--groups];
            each.give_back(each);
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

    /// The executor will not run that worker. If there is no other, nobody will handle what waits.
    TIDINGS_COLD void abandoned(worker& w) noexcept override {
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
            forget_rest();  // an event that comes later has to hire again
            quiet = dismiss(w);
        }
        space_.notify_all();
        if (quiet) quiet_->changed();
        release();
    }

    const redelivery returns_;
    const std::size_t largest_take_ = settings_.prefetch < largest_batch ? settings_.prefetch : largest_batch;
};

}  // namespace tidings::detail
