/// Double-checked initialisation without the second check.
#pragma once

#include "simulation/seeded_bugs/version.hpp"
#include "simulation/sync.hpp"

#include <mutex>

namespace tidings::simulation::seeded_bugs {

template <version v>
class lazy_object {
public:
    void use() {
        if (ready_.load()) return;
        std::lock_guard lock{mutex_};
        if (v == version::fixed && ready_.load()) return;
        require(++built_ == 1, "it is built twice");
        ready_.store(true);
    }

private:
    base::mutex mutex_;
    base::atomic<bool> ready_{false};
    int built_ = 0;
};

template <version v>
void double_checked(scheduler& run) {
    lazy_object<v> object;
    for (const char* user : {"first", "second", "third"}) run.spawn(user, [&] { object.use(); });
    run.join_all();
}

}  // namespace tidings::simulation::seeded_bugs
