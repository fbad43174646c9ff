/// A stop flag that is set without the mutex: it can fall between a worker's look at it and its wait.
#pragma once

#include "simulation/seeded_bugs/version.hpp"
#include "simulation/sync.hpp"

#include <deque>
#include <mutex>

namespace tidings::simulation::seeded_bugs {

template <version v>
class stoppable_queue {
public:
    void work() {
        std::unique_lock lock{mutex_};
        for (;;) {
            while (tasks_.empty()) {
                if (stop_.load()) return;
                changed_.wait(lock);
            }
            tasks_.pop_front();
        }
    }

    void push(int task) {
        std::lock_guard lock{mutex_};
        tasks_.push_back(task);
        changed_.notify_one();
    }

    void stop() {
        if (v == version::fixed) {
            std::lock_guard lock{mutex_};
            stop_.store(true);
        } else {
            stop_.store(true);
        }
        changed_.notify_all();
    }

private:
    base::mutex mutex_;
    base::condition_variable changed_;
    std::deque<int> tasks_;
    base::atomic<bool> stop_{false};
};

template <version v>
void lost_stop(scheduler& run) {
    stoppable_queue<v> queue;
    for (const char* worker : {"first worker", "second worker"}) run.spawn(worker, [&] { queue.work(); });
    run.spawn("owner", [&] {
        queue.push(1);
        queue.push(2);
        queue.stop();
    });
    run.join_all();
}

}  // namespace tidings::simulation::seeded_bugs
