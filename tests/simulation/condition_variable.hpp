/// std::condition_variable for a simulation: any waiter may be the one that is notified, and some wake for nothing.
#pragma once

#include "simulation/clock.hpp"
#include "simulation/mutex.hpp"
#include "simulation/require.hpp"
#include "simulation/scheduler.hpp"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>

namespace tidings::base {

class condition_variable {
public:
    constexpr condition_variable() noexcept = default;
    ~condition_variable() {
        const auto* const running = simulation::scheduler::current();
        if (running != nullptr && running->anybody_waits_for(this))
            simulation::misuse("a condition variable is destroyed while a thread waits for it");
    }
    condition_variable(const condition_variable&) = delete;
    condition_variable& operator=(const condition_variable&) = delete;

    void notify_one() noexcept {
        auto* const running = simulation::scheduler::current();
        if (running == nullptr) return;
        running->step(simulation::operation::notify_one, this);
        running->wake_one(this);
        running->written();
    }

    void notify_all() noexcept {
        auto* const running = simulation::scheduler::current();
        if (running == nullptr) return;
        running->step(simulation::operation::notify_all, this);
        running->wake_all(this);
        running->written();
    }

    void wait(std::unique_lock<mutex>& lock) { wait_for_wake(lock, simulation::never); }

    template <class Predicate>
    void wait(std::unique_lock<mutex>& lock, Predicate predicate) {
        while (!predicate()) wait(lock);
    }

    template <class Clock, class Duration>
    std::cv_status wait_until(std::unique_lock<mutex>& lock, const std::chrono::time_point<Clock, Duration>& due) {
        return wait_for_wake(lock, simulation::on_simulated_clock(due));
    }

    template <class Clock, class Duration, class Predicate>
    bool wait_until(std::unique_lock<mutex>& lock, const std::chrono::time_point<Clock, Duration>& due,
                    Predicate predicate) {
        while (!predicate())
            if (wait_until(lock, due) == std::cv_status::timeout) return predicate();
        return true;
    }

    template <class Rep, class Period>
    std::cv_status wait_for(std::unique_lock<mutex>& lock, const std::chrono::duration<Rep, Period>& duration) {
        return wait_for_wake(lock, simulation::after(duration));
    }

    template <class Rep, class Period, class Predicate>
    bool wait_for(std::unique_lock<mutex>& lock, const std::chrono::duration<Rep, Period>& duration,
                  Predicate predicate) {
        return wait_until(lock, simulation::after(duration), std::move(predicate));
    }

private:
    std::cv_status wait_for_wake(std::unique_lock<mutex>& lock, simulation::time_point due) {
        auto* const running = simulation::scheduler::current();
        if (running == nullptr) return wait_outside(due);
        if (!lock.owns_lock()) simulation::misuse("a condition variable is waited for without the lock");
        running->step(simulation::operation::condition_wait, this);
        lock.mutex()->release();
        auto woken = simulation::wake_reason::timed_out;
        if (running->now() < due) woken = running->block({simulation::operation::condition_wait, this, nullptr, due});
        else running->step(simulation::operation::condition_wait, this);  // somebody may take the mutex
        lock.mutex()->acquire();
        return woken == simulation::wake_reason::timed_out ? std::cv_status::timeout : std::cv_status::no_timeout;
    }

    /// Nobody can notify: only time can pass.
    static std::cv_status wait_outside(simulation::time_point due) {
        if (due == simulation::never) simulation::fatal("a condition variable is waited for and no thread can notify");
        if (simulation::outside_now < due) simulation::outside_now = due;
        return std::cv_status::timeout;
    }
};

}  // namespace tidings::base
