/// What a work queue shares with its receivers and its workers.
#pragma once

#include <tidings/base/brief_lock.hpp>
#include <tidings/base/coarse_clock.hpp>
#include <tidings/base/config.hpp>
#include <tidings/base/domain.hpp>
#include <tidings/base/executor_scope.hpp>
#include <tidings/base/idle_hook.hpp>
#include <tidings/base/job.hpp>
#include <tidings/base/sync.hpp>
#include <tidings/base/wait_graph.hpp>
#include <tidings/base/wait_room.hpp>
#include <tidings/core/delivery.hpp>
#include <tidings/executor/clock.hpp>
#include <tidings/executor/executor.hpp>
#include <tidings/executor/system_clock.hpp>
#include <tidings/executor/task.hpp>
#include <tidings/queue/detail/contents.hpp>
#include <tidings/queue/detail/crew_base.hpp>
#include <tidings/queue/detail/message.hpp>
#include <tidings/queue/detail/message_list.hpp>
#include <tidings/queue/detail/place_line.hpp>
#include <tidings/queue/detail/places.hpp>
#include <tidings/queue/push.hpp>
#include <tidings/queue/work_queue_options.hpp>
#include <tidings/queue/work_queue_stats.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>

namespace tidings::work_queue_detail {

/// One lock guards everything but the number of places taken. User code runs without it: see visit.
class state {
public:
    /// Throws std::bad_alloc.
    explicit state(const work_queue_options& o)
        : capacity_{o.capacity != 0 ? o.capacity : 1},
          when_full_{o.when_full},
          clock_{o.clock.port()},
          places_{capacity_, when_full_ != overflow::drop_oldest},
          held_{o.priorities, o.lease, o.max_attempts, o.dead_letters} {}
    state(const state&) = delete;
    state& operator=(const state&) = delete;

    /// Holds the lock, and does what follows from a change when it lets go of it: wakes who waits, posts tasks,
    /// releases messages that have come to their end.
    class visit {
    public:
        explicit visit(state& s) : lock{s.mutex_}, home_{&s} {}
        ~visit() { finish(); }
        visit(const visit&) = delete;
        visit& operator=(const visit&) = delete;

        void finish() noexcept {
            if (!lock.owns_lock()) return;
            home_->follow_up();
            message* const gone = runs_user_code ? home_->held_.gone.take_all() : nullptr;
            crew_base::worker* const hired = std::exchange(home_->hired_, nullptr);
            const bool last = home_->references_ == 0;
            lock.unlock();
            state* const ended = last ? home_ : nullptr;
            home_ = nullptr;
            delete ended;
            for (base::job* each = hired; each != nullptr;) {
                auto& posted = static_cast<crew_base::worker&>(*std::exchange(each, each->next));
                const auto port = posted.home->port;  // as soon as it is posted, the crew may be gone
                port->post(task{posted});
            }
            for (message* each = gone; each != nullptr;) std::exchange(each, each->next)->release();
        }

        base::brief_lock lock;
        bool runs_user_code = true;  ///< else messages at their end are left to the next visit

    private:
        state* home_;
    };

    // --- Under the lock --------------------------------------------------------------------------------------------

    contents& held() noexcept { return held_; }
    void retain() noexcept { ++references_; }
    void release() noexcept { --references_; }

    /// An attempt, of somebody who refers to the message and to this state from then on.
    attempt begin(message& m, time_point now, bool by_receiver) noexcept {
        held_.begin(m, now, by_receiver);
        m.retain();
        ++references_;
        return {&m, m.token, m.attempts};
    }

    void add(crew_base& c) noexcept {
        c.next = std::exchange(crews_, &c);
        ++references_;
    }
    void remove(crew_base& c) noexcept {
        crew_base** link = &crews_;
        while (*link != nullptr && *link != &c) link = &(*link)->next;
        if (*link != nullptr) *link = c.next;
    }
    /// Hired workers that have not had a look yet.
    std::size_t coming = 0;

    /// False: there is no place for it. Throws std::bad_alloc, and nothing has changed then.
    bool redrive(message& dead, dead_message::time_point died, time_point now) {
        held_.reserve(held_.size() + 1);
        if (when_full_ == overflow::drop_oldest && held_.size() >= capacity_) return false;
        if (!places_.take_here()) return false;
        TIDINGS_TRY { held_.redrive(dead, died, now); }
        TIDINGS_CATCH_ALL {
            ++held_.left;
            TIDINGS_RETHROW;
        }
        return true;
    }

    // --- Without it ------------------------------------------------------------------------------------------------

    time_point now() const noexcept {
        return clock_ != nullptr ? clock_->now() : time_point{base::steady_clock::now().time_since_epoch()};
    }
    /// The same, or some milliseconds before, where that is cheaper: for what nobody is promised to the moment.
    time_point about_now() const noexcept { return clock_ != nullptr ? clock_->now() : base::coarse_now(); }
    tidings::detail::clock_port& clock() const noexcept {
        return clock_ != nullptr ? *clock_ : tidings::detail::default_clock();
    }

    /// A place for a message that is to be made: push() or give_up_place() has to follow if it is `queued`.
    push_result take_place_or_wait() {
        if (places_.take()) [[likely]]
            return push_result::queued;
        visit now_inside{*this};
        auto& lock = now_inside.lock;
        if (places_.take_here()) return push_result::queued;
        if (held_.next_due() != time_point::max()) {  // a lease that has run out may have been a message's last
            held_.look_at_time(now());
            return_places();
        }
        if (places_.take_here() || spin_for_place(lock)) return push_result::queued;
        push_result result = push_result::rejected;
        if (is_closed()) result = push_result::closed;
        else if (when_full_ == overflow::drop_newest) result = push_result::dropped;
        else if (when_full_ == overflow::block) result = wait_for_place(lock);
        if (result == push_result::dropped) {
            ++held_.counts.pushed;
            ++held_.counts.dropped;
        } else if (result != push_result::queued) {
            ++held_.counts.rejected;
        }
        return result;
    }

    /// The message was not made.
    void give_up_place() noexcept {
        visit inside{*this};
        ++held_.left;
    }

    /// Takes over the message. Throws std::bad_alloc, and then it is released.
    push_result push(message& m, const push_options& how) {
        m.level = level_of(how.priority);
        const time_point now = how.delay > duration::zero() ? this->now() : about_now();
        visit inside{*this};
        TIDINGS_TRY { held_.reserve(held_.size() + 1); }
        TIDINGS_CATCH_ALL {
            held_.gone.push_back(m);
            ++held_.left;
            inside.finish();
            TIDINGS_RETHROW;
        }
        held_.look_at_time(now);  // what is due was ready before
        held_.add(m, how.delay, now);
        if (when_full_ == overflow::drop_oldest && held_.size() > capacity_ && !held_.drop_least(m))
            return push_result::dropped;
        return push_result::queued;
    }

    /// Nothing: none came until `deadline`, or none will come.
    attempt receive(time_point deadline) {
        bool in_time = deadline != time_point::min();
        bool spun = false;
        time_point now = this->now();
        visit inside{*this};
        for (bool again = false;; again = true) {
            held_.look_at_time(now);
            if (message* const taken = held_.take(now)) return begin(*taken, now, true);
            if (!in_time || (is_closed() && !is_being_pushed())) return {};
            if (!spun && base::idle_hook::here() == nullptr) {
                spun = true;
                ++references_;
                spin_for_arrival(inside.lock);
                --references_;
                now = this->now();
                continue;
            }
            in_time = wait_for_arrival(inside.lock, deadline, again);
            now = this->now();
        }
    }

    enum class afterwards { over, goes_on };

    /// Whether the lease is its own still; then `change` gets the contents. The lease's reference to this state ends,
    /// unless it goes on.
    template <class Change>
    bool settle(message& m, std::uint64_t token, time_point now, afterwards then, Change change) noexcept {
        visit inside{*this};
        held_.look_at_time(now);
        const bool mine = contents::owns(m, token);
        if (mine) change(held_, now);
        if (!mine || then == afterwards::over) --references_;
        return mine;
    }

    void drop_reference() noexcept {
        visit inside{*this};
        --references_;
    }

    /// No more messages from outside; nobody waits any more.
    void close() noexcept {
        visit inside{*this};
        places_.close();
        arrived_.notify_all();
    }

    /// Everything that it holds comes to its end; so does the reference of the queue. Waits for handlers as
    /// workers::stop() does.
    void end() noexcept {
        close();
        for (;;) {
            std::shared_ptr<crew_base> each;
            {
                visit inside{*this};
                if (crews_ != nullptr) each = crews_->share();
            }
            if (each == nullptr) break;
            each->stop();
        }
        visit inside{*this};
        held_.clear();
        --references_;
        if (alarm_.set && clock().cancel(alarm_)) {
            alarm_.set = false;
            --references_;
        }
    }

    work_queue_stats stats() {
        const time_point now = this->now();
        visit inside{*this};
        held_.look_at_time(now);
        return held_.stats(now);
    }

private:
    struct waking_alarm : tidings::detail::alarm {
        explicit waking_alarm(state& of) noexcept : alarm{&ring_on_clock}, home{&of} {}
        static void ring_on_clock(alarm& self) noexcept { static_cast<waking_alarm&>(self).home->ring(); }
        state* const home;
        bool set = false;  // then it refers to the state
    };

#if defined(TIDINGS_SIMULATION)
    static constexpr unsigned spins = 1;
    static constexpr unsigned pauses = 0;  // to pause would let all others go first: then nobody ever sleeps
#else
    static constexpr unsigned spins = 200;  // some microseconds
    static constexpr unsigned pauses = 4;
#endif

    ~state() = default;

    bool is_closed() const noexcept { return places_.is_closed(); }

    // --- Under the lock --------------------------------------------------------------------------------------------

    /// Whether somebody has a place, and has not pushed yet.
    bool is_being_pushed() const noexcept { return places_.taken() > held_.size() + held_.left; }

    void follow_up() noexcept {
        if (held_.left != 0 && is_closed()) arrived_.notify_all();  // who waits for the last one that was being pushed
        return_places();
        const std::size_t has_come = std::exchange(held_.has_come, 0);
        if (has_come != 0 && spinning_ != 0) arrivals_.store(++arrived_so_far_, std::memory_order_relaxed);
        if (receivers_ != 0 && has_come == 1) arrived_.notify_one();
        else if (receivers_ != 0 && has_come != 0) arrived_.notify_all();
        hire();
        set_alarm();
    }

    void return_places() noexcept {
        for (; held_.left != 0; --held_.left) places_.give_back();
    }

    /// Workers, until each ready message has one that comes.
    void hire() noexcept {
        for (crew_base* each = crews_; each != nullptr; each = each->next) {
            if (each->port->is_ending()) continue;
            while (held_.ready() > coming) {
                crew_base::worker* const w = each->hire();
                if (w == nullptr) break;
                ++coming;
                w->next = std::exchange(hired_, w);
            }
        }
    }

    /// So that somebody looks when the next message is due, if somebody waits for it.
    void set_alarm() noexcept {
        if (crews_ == nullptr && receivers_ == 0 && places_.line.empty()) return;
        const time_point due = held_.next_due();
        if (due == time_point::max() || (alarm_.set && alarm_due_ <= due)) return;
        if (alarm_.set) {
            if (!clock().cancel(alarm_)) return;  // it rings, and looks again then
            alarm_.set = false;
            --references_;
        }
        TIDINGS_TRY {
            clock().call_at(alarm_, due);
            alarm_.set = true;
            alarm_due_ = due;
            ++references_;
        }
        TIDINGS_CATCH_ALL {}  // the next who comes looks
    }

    void ring() noexcept {
        const time_point now = this->now();
        visit inside{*this};
        inside.runs_user_code = false;  // on the clock's thread
        alarm_.set = false;
        --references_;
        held_.look_at_time(now);
    }

    // --- Waiting: lets go of the lock meanwhile --------------------------------------------------------------------

    /// A thread that sleeps takes a hundred times as long to come as a message does, or a place. Whether there is one.
    bool spin_for_place(std::unique_lock<base::mutex>& lock) noexcept {
        if (when_full_ != overflow::block || is_closed() || base::idle_hook::here() != nullptr) return false;
        ++references_;
        ++places_.seeking;
        lock.unlock();
        bool found = false;
        for (unsigned n = 0; n != spins && !found && !is_closed(); ++n) {
            for (unsigned pause = 0; pause != pauses; ++pause) base::cpu_relax();
            found = places_.take();
        }
        lock.lock();
        --places_.seeking;
        --references_;
        return found || places_.take_here();
    }

    void spin_for_arrival(std::unique_lock<base::mutex>& lock) noexcept {
        ++spinning_;
        const std::uint32_t seen = arrived_so_far_;
        lock.unlock();
        for (unsigned n = 0; n != spins && arrivals_.load(std::memory_order_relaxed) == seen; ++n)
            for (unsigned pause = 0; pause != pauses; ++pause) base::cpu_relax();
        lock.lock();
        --spinning_;
    }

    /// False: the deadline has passed, or nothing will come.
    bool wait_for_arrival(std::unique_lock<base::mutex>& lock, time_point deadline, bool again) {
        ++references_;
        ++receivers_;
        set_alarm();
        bool goes_on = true;
        if (base::idle_hook* const hook = base::idle_hook::here()) {
            const time_point due = held_.next_due();
            lock.unlock();
            goes_on = hook->go_on(std::min(deadline, due), again) || (now() >= due && due < deadline);
            lock.lock();
        } else if (deadline == base::idle_hook::never) {
            arrived_.wait(lock);
        } else {
            goes_on = arrived_.wait_until(lock, deadline) == std::cv_status::no_timeout;
        }
        --receivers_;
        --references_;
        return goes_on;
    }

    push_result wait_for_place(std::unique_lock<base::mutex>& lock) {
        ++references_;
        const push_result result = wait_for_place_kept(lock);
        --references_;
        return result;
    }

    /// The executor that makes room if one alone does, and nobody else has been seen to receive.
    std::shared_ptr<tidings::detail::executor_port> only_executor() const noexcept {
        if (crews_ == nullptr || held_.pulled != 0 || receivers_ != 0) return nullptr;
        for (const crew_base* each = crews_->next; each != nullptr; each = each->next)
            if (each->port != crews_->port) return nullptr;
        return crews_->port;
    }

    push_result wait_for_place_kept(std::unique_lock<base::mutex>& lock) {
        const auto worker = only_executor();
        if (worker != nullptr) {
            lock.unlock();
            const bool waits_for_itself = worker->is_here();
            lock.lock();
            if (waits_for_itself) return push_result::would_deadlock;
            if (help(lock, *worker)) return is_closed() ? push_result::closed : push_result::queued;
        }
        if (places_.take_here()) return push_result::queued;  // come free while the lock was
        place_line::waiting mine;
        places_.line.join(mine);
        set_alarm();
        const auto over = [&] { return mine.granted || is_closed(); };
        base::domain& home = base::domain::here();
        bool comes = true;
        while (comes && !over()) {
            lock.unlock();
            {
                const base::entry_in_graph waiting{
                    home, base::wait_until{
                              base::thread_wait{.any_of = worker != nullptr ? worker->mark() : base::executor_mark{},
                                                .who = home.find()},
                              [&] {
                                  const std::lock_guard looking{mutex_};
                                  return over();
                              }}};
                lock.lock();
                comes = waiting.may_wait() && base::wait(mine.changed, lock, over);
                lock.unlock();
            }
            lock.lock();
        }
        places_.line.leave(mine);
        if (mine.granted) return push_result::queued;
        return is_closed() ? push_result::closed : push_result::would_deadlock;
    }

    /// Where the calling thread is the one that runs the workers' tasks it does, until it has a place or the queue is
    /// closed. False: it is not.
    bool help(std::unique_lock<base::mutex>& lock, tidings::detail::executor_port& worker) {
        while (!is_closed() && !places_.take_here()) {
            lock.unlock();
            const bool helped = worker.help();
            const bool helps = helped || (base::idle_hook::here() == nullptr && worker.helps_here());
            lock.lock();
            if (!helps) return false;
            // Another thread may have hired a worker and not have posted it yet.
            if (!helped && !is_closed() && !places_.take_here()) {
                pause_.wait_until(lock, base::steady_clock::now() + std::chrono::milliseconds{1});
                continue;
            }
            if (!helped) return true;
        }
        return true;
    }

    const std::size_t capacity_;
    const overflow when_full_;
    const std::shared_ptr<tidings::detail::clock_port> clock_;  // null: the system's

    places places_;  // taken without the lock

    /// For receivers that spin; written under the lock, and only if there are any.
    alignas(base::cache_line) base::atomic<std::uint32_t> arrivals_{0};

    alignas(base::cache_line) base::mutex mutex_;
    base::condition_variable arrived_;
    base::condition_variable pause_;  // nobody notifies

    // Guarded by mutex_.
    std::size_t references_ = 1;  // the queue's; of leases that are not settled, crews, who waits, and the alarm
    contents held_;
    crew_base* crews_ = nullptr;
    crew_base::worker* hired_ = nullptr;
    std::size_t receivers_ = 0;  // who wait
    std::size_t spinning_ = 0;   // receivers that look at arrivals_
    std::uint32_t arrived_so_far_ = 0;
    waking_alarm alarm_{*this};
    time_point alarm_due_{};  // if it is set
};

}  // namespace tidings::work_queue_detail
