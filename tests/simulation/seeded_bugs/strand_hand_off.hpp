/// A strand whose drainer looks for more before it says that it leaves: what comes in between is stranded.
#pragma once

#include "simulation/seeded_bugs/version.hpp"
#include "simulation/sync.hpp"

#include <deque>
#include <mutex>

namespace tidings::simulation::seeded_bugs {

template <version v>
class strand {
public:
    void post(int task) {
        bool first = false;
        {
            std::lock_guard lock{mutex_};
            tasks_.push_back(task);
            if (v == version::fixed) first = !draining_.exchange(true);
        }
        if (v == version::broken) first = !draining_.exchange(true);
        if (first) drain();
    }

    bool empty() {
        std::lock_guard lock{mutex_};
        return tasks_.empty();
    }

private:
    void drain() {
        for (;;) {
            std::lock_guard lock{mutex_};
            if (tasks_.empty()) {
                if (v == version::fixed) draining_.store(false);
                break;
            }
            tasks_.pop_front();
        }
        if (v == version::broken) draining_.store(false);
    }

    base::mutex mutex_;
    std::deque<int> tasks_;
    base::atomic<bool> draining_{false};
};

template <version v>
void strand_hand_off(scheduler& run) {
    strand<v> tasks;
    run.spawn("first", [&] { tasks.post(1); });
    run.spawn("second", [&] { tasks.post(2); });
    run.join_all();
    require(tasks.empty(), "a task is stranded");
}

}  // namespace tidings::simulation::seeded_bugs
