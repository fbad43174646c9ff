/// Where the steps of a simulation run, one at a time.
#pragma once

#include <tidings/base/error.hpp>
#include <tidings/base/idle_hook.hpp>
#include <tidings/base/job.hpp>
#include <tidings/base/sync.hpp>
#include <tidings/executor/alarm_queue.hpp>
#include <tidings/executor/clock.hpp>
#include <tidings/testing/detail/agenda.hpp>
#include <tidings/testing/detail/baton.hpp>
#include <tidings/testing/detail/runner.hpp>
#include <tidings/testing/detail/trace.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace tidings::testing::detail {

/// The thread that made the stage, at home, has the baton first, and gets it back when the turns that it asked for
/// were had or nobody can go on. A thread that ends a step takes the next one itself; others come in only where a
/// step is suspended. So a step has one thread, with all that a thread has of its own, from its begin to its end.
///
/// Other threads may post, set alarms and take them back; then no schedule repeats. No lock is held while steps run and
/// alarms ring.
class stage {
public:
    using time_point = std::chrono::steady_clock::time_point;
    using alarm = tidings::detail::alarm;

    /// Threads for steps have `hook` installed.
    stage(std::uint64_t seed, base::idle_hook& hook) noexcept
        : agenda_{seed}, hook_{&hook}, home_{base::this_thread_id()} {}
    stage(const stage&) = delete;
    stage& operator=(const stage&) = delete;

    bool at_home() const noexcept { return base::this_thread_id() == home_; }
    bool in_step() const noexcept { return here() != nullptr; }
    time_point now() const noexcept { return time_point{time_point::duration{now_.load(std::memory_order_relaxed)}}; }

    // ---- At home.

    static constexpr std::uint64_t all = std::numeric_limits<std::uint64_t>::max();

    /// Lets `most` steps begin or go on, and returns how many could.
    std::uint64_t run(std::uint64_t most) {
        something_happened();
        return take_turns(most);
    }

    void advance(time_point::duration by) {
        const time_point from = now();
        const time_point until =
            by < time_point::max() - from ? from + std::max(by, time_point::duration::zero()) : time_point::max();
        do run(all);
        while (move_time(until));
    }

    /// Nothing is posted, and no alarm rings, from then on. What was posted is destroyed; steps that have begun end,
    /// and then the threads.
    void close() noexcept;

    // ---- In a step.

    void yield() {
        runner& self = *here();
        std::unique_lock lock{mutex_};
        tell(self.step, trace::act::yields);
        agenda_.suspend(self);
        give_way(lock, self);
    }

    // ---- Anywhere.

    /// What idle_hook::go_on() is to do.
    bool go_on(time_point deadline, bool again);

    /// False: it is not taken.
    bool post(base::job& work) noexcept {
        const std::lock_guard lock{mutex_};
        if (closed_) return false;
        try {
            agenda_.post({&work, posted_ + 1, who()});
        } catch (...) {
            return false;
        }
        ++posted_;
        return true;
    }

    void call_at(alarm& a, time_point due) {
        const std::lock_guard lock{mutex_};
        alarms_.push(a, due);
    }

    bool cancel(alarm& a) noexcept {
        const std::lock_guard lock{mutex_};
        return alarms_.remove(a);
    }

    void say(std::string words) {
        const std::lock_guard lock{mutex_};
        ++agenda_.progress;
        tell(who(), trace::act::says, trace::nobody, std::move(words));
    }

    std::string account() const {
        const std::lock_guard lock{mutex_};
        return trace_.text();
    }

private:
    /// Null on a thread that runs no steps of this stage.
    runner* here() const noexcept {
        runner* const self = base::thread_pointer<runner>::get();
        return self != nullptr && self->home == this ? self : nullptr;
    }

    std::uint64_t who() const noexcept {
        const runner* const self = here();
        return self != nullptr ? self->step : trace::nobody;
    }

    // With mutex_ held.
    void tell(std::uint64_t whom, trace::act what, std::uint64_t poster = trace::nobody, std::string words = {}) {
        trace_.add(now().time_since_epoch(), whom, what, poster, std::move(words));
    }

    void something_happened() {
        const std::lock_guard lock{mutex_};
        ++agenda_.progress;
    }

    std::uint64_t take_turns(std::uint64_t most);
    bool move_time(time_point until);
    bool wait(runner& self, time_point deadline, bool again);
    void live(runner& self);
    seat* choose(runner* free);
    runner* spare() noexcept;

    /// Returns when the seed has chosen `self`, which was suspended or waits.
    void give_way(baton::lock& lock, runner& self) {
        seat* const next = choose(nullptr);
        if (next != &self) baton_.pass(lock, self, next != nullptr ? *next : main_);
    }

    mutable base::mutex mutex_;

    // Guarded by mutex_.
    agenda agenda_;
    trace trace_;
    crew crew_;
    tidings::detail::alarm_queue alarms_;
    std::uint64_t posted_ = 0;
    std::uint64_t taken_ = 0;  // turns in which a step got further
    std::uint64_t limit_ = 0;  // of taken_
    bool no_threads_ = false;  // a turn could not be had
    bool closed_ = false;
    bool giving_up_ = false;  // nobody waits any more
    bool ending_ = false;
    seat main_;
    baton baton_{main_};

    base::atomic<time_point::rep> now_{0};  // changed at home
    base::idle_hook* const hook_;
    const base::thread_id home_;
};

inline std::uint64_t stage::take_turns(std::uint64_t most) {
    std::unique_lock lock{mutex_};
    const std::uint64_t before = taken_;
    limit_ = most < all - taken_ ? taken_ + most : all;
    ++agenda_.turns;  // the caller's own
    const auto how = most == 1 ? baton::patience::much : baton::patience::little;
    if (seat* const first = choose(nullptr)) baton_.pass(lock, main_, *first, how);
    if (std::exchange(no_threads_, false)) throw error{errc::no_threads};
    return taken_ - before;
}

/// Who gets the baton next, with what it is to do; null: home. A step that begins gets the thread `free`, if there is
/// one.
inline seat* stage::choose(runner* free) {
    using kind = agenda::kind;
    if (taken_ == limit_) return nullptr;
    const alarm* const first = alarms_.first();
    const agenda::choice drawn = agenda_.draw(now(), first != nullptr && first->due <= now() && !closed_);
    if (drawn.kind == kind::nothing) return nullptr;
    const bool needs_thread = drawn.kind == kind::begins || drawn.kind == kind::rings;
    runner* chosen = needs_thread ? free : nullptr;
    if (needs_thread && chosen == nullptr) chosen = spare();
    if (needs_thread && chosen == nullptr) {
        no_threads_ = true;
        return nullptr;
    }

    ++agenda_.turns;
    if (drawn.kind != kind::looks) ++agenda_.progress;
    if (drawn.kind == kind::rings) {
        chosen->to_ring = alarms_.pop();
        chosen->step = trace::alarm;
        tell(trace::alarm, trace::act::rings);
        return chosen;
    }
    ++taken_;
    if (drawn.kind == kind::begins) {
        const posted_step begun = agenda_.take_posted(drawn);
        chosen->to_run = begun.work;
        chosen->step = begun.number;
        tell(begun.number, trace::act::begins, begun.poster);
        return chosen;
    }
    chosen = drawn.kind == kind::goes_on ? &agenda_.take_suspended(drawn) : &agenda_.take_waiting(drawn);
    tell(chosen->step, trace::act::goes_on);
    return chosen;
}

/// Null if the system gives no more threads.
inline runner* stage::spare() noexcept {
    try {
        agenda_.reserve(crew_.size() + 1);
        return &crew_.spare(this, [this](runner& self) { live(self); });
    } catch (...) {
        return nullptr;
    }
}

inline void stage::live(runner& self) {
    base::idle_hook::install(hook_);
    base::thread_pointer<runner>::set(&self);
    std::unique_lock lock{mutex_};
    for (;;) {
        baton_.await(lock, self);
        if (ending_) return;
        seat* next = &self;
        while (next == &self) {
            base::job* const work = std::exchange(self.to_run, nullptr);
            alarm* const ringing = std::exchange(self.to_ring, nullptr);
            lock.unlock();
            if (work != nullptr) work->act(*work, true);
            else ringing->ring(*ringing);
            lock.lock();
            ++agenda_.progress;
            next = choose(&self);
        }
        crew_.rest(self);
        baton_.give(next != nullptr ? *next : main_);
    }
}

/// Suspends a step until something may have changed. False: nothing will.
inline bool stage::wait(runner& self, time_point deadline, bool again) {
    std::unique_lock lock{mutex_};
    if (again) {  // it looked in vain: that was no turn, and is not worth telling
        --taken_;
        trace_.take_back();
    } else {
        ++agenda_.progress;
    }
    if (giving_up_ || deadline <= now()) return false;
    if (!again) tell(self.step, trace::act::waits);
    agenda_.wait(self, deadline);
    give_way(lock, self);
    return !giving_up_;
}

/// To when something is next due, but not beyond `until`. False: nothing is due before.
inline bool stage::move_time(time_point until) {
    const std::lock_guard lock{mutex_};
    const alarm* const first = alarms_.first();
    const time_point next = std::min(first != nullptr ? first->due : time_point::max(), agenda_.deadline());
    const bool due = next <= until && next != time_point::max();
    now_.store(std::max(now(), due ? next : until).time_since_epoch().count(), std::memory_order_relaxed);
    ++agenda_.progress;
    return due;
}

inline bool stage::go_on(time_point deadline, bool again) {
    if (runner* const self = here()) return wait(*self, deadline, again);
    if (!at_home()) return false;
    if (!again) something_happened();
    const std::uint64_t before = agenda_.turns;  // only who has the baton changes it
    try {
        take_turns(1);
    } catch (...) {
        return false;
    }
    if (agenda_.turns != before + 1) return true;
    return deadline != base::idle_hook::never && now() < deadline && move_time(deadline);
}

inline void stage::close() noexcept {
    std::vector<posted_step> left;
    {
        const std::lock_guard lock{mutex_};
        closed_ = true;
        left = agenda_.take_all_posted();
    }
    for (const posted_step& each : left) each.work->act(*each.work, false);
    constexpr std::uint64_t plenty = 1'000'000;
    while (agenda_.has_begun()) {
        if (run(plenty) == plenty) {
            std::fputs("tidings: a simulation is destroyed, and one of its steps yields for ever\n", stderr);
            std::abort();
        }
        giving_up_ = true;  // all that are left wait
    }
    ending_ = true;
    crew_.dismiss(mutex_, baton_);
}

}  // namespace tidings::testing::detail
