/// A timer that takes any wake-up for the one it waits for.
#pragma once

#include "simulation/seeded_bugs/version.hpp"
#include "simulation/sync.hpp"

#include <chrono>
#include <mutex>

namespace tidings::simulation::seeded_bugs {

template <version v>
class alarm_clock {
public:
    using time_point = base::steady_clock::time_point;

    void set(time_point due) {
        std::lock_guard lock{mutex_};
        due_ = due;
        changed_.notify_one();
    }

    /// Returns when it rings.
    void wait() {
        std::unique_lock lock{mutex_};
        changed_.wait(lock, [&] { return due_ != time_point{}; });
        if (v == version::fixed) {
            while (base::steady_clock::now() < due_) changed_.wait_until(lock, due_);
        } else {
            changed_.wait_until(lock, due_);
        }
    }

private:
    base::mutex mutex_;
    base::condition_variable changed_;
    time_point due_{};
};

template <version v>
void early_timer(scheduler& run) {
    alarm_clock<v> alarm;
    const auto due = run.now() + std::chrono::hours{1};
    base::atomic<int> steps{0};
    run.spawn("sleeper", [&] {
        alarm.wait();
        require(run.now() >= due, "the alarm rings early");
    });
    run.spawn("busy", [&] {
        alarm.set(due);
        for (int i = 0; i != 8; ++i) steps.fetch_add(1);
    });
    run.join_all();
}

}  // namespace tidings::simulation::seeded_bugs
