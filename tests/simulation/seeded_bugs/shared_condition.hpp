/// One condition variable for two predicates and notify_one: the wake-up goes to a thread that cannot use it.
#pragma once

#include "simulation/seeded_bugs/version.hpp"
#include "simulation/sync.hpp"

#include <mutex>

namespace tidings::simulation::seeded_bugs {

/// Holds one item.
template <version v>
class cell {
public:
    void put() {
        std::unique_lock lock{mutex_};
        while (full_) changed_.wait(lock);
        full_ = true;
        notify();
    }

    void take() {
        std::unique_lock lock{mutex_};
        while (!full_) changed_.wait(lock);
        full_ = false;
        notify();
    }

private:
    void notify() {
        if (v == version::fixed) changed_.notify_all();
        else changed_.notify_one();
    }

    base::mutex mutex_;
    base::condition_variable changed_;
    bool full_ = false;
};

template <version v>
void shared_condition(scheduler& run) {
    cell<v> shared;
    run.spawn("producer", [&] {
        shared.put();
        shared.put();
    });
    for (const char* consumer : {"first consumer", "second consumer"}) run.spawn(consumer, [&] { shared.take(); });
    run.join_all();
}

}  // namespace tidings::simulation::seeded_bugs
