/// An object is touched after the word that lets another thread destroy it.
#pragma once

#include "simulation/seeded_bugs/version.hpp"
#include "simulation/sync.hpp"

namespace tidings::simulation::seeded_bugs {

template <version v>
class completion {
public:
    template <class Touch>
    void complete(Touch touch) {
        if (v == version::fixed) touch();
        done_.store(true);
        if (v == version::broken) touch();
    }

    void wait() const {
        while (!done_.load()) base::yield();
    }

private:
    base::atomic<bool> done_{false};
};

template <version v>
void late_touch(scheduler& run) {
    completion<v> answer;
    bool destroyed = false;
    run.spawn("asker", [&] {
        answer.wait();
        destroyed = true;
    });
    run.spawn("answerer",
              [&] { answer.complete([&] { require(!destroyed, "it is touched after its destruction"); }); });
    run.join_all();
}

}  // namespace tidings::simulation::seeded_bugs
