/// A reset that looks whether the handler runs before it says that it may not.
#pragma once

#include "simulation/seeded_bugs/version.hpp"
#include "simulation/sync.hpp"

namespace tidings::simulation::seeded_bugs {

template <version v>
class guarded_handler {
public:
    template <class Handler>
    void publish(Handler handler) {
        running_.store(true);
        if (active_.load()) handler();
        running_.store(false);
    }

    /// No handler runs once it has returned.
    void reset() {
        if (v == version::fixed) active_.store(false);
        while (running_.load()) base::yield();
        if (v == version::broken) active_.store(false);
    }

private:
    base::atomic<bool> active_{true};
    base::atomic<bool> running_{false};
};

template <version v>
void unpublished_reset(scheduler& run) {
    guarded_handler<v> subscription;
    base::atomic<int> handled{0};
    bool alive = true;
    run.spawn("publisher", [&] {
        subscription.publish([&] {
            handled.fetch_add(1);
            require(alive, "a handler runs after reset returned");
        });
    });
    run.spawn("owner", [&] {
        subscription.reset();
        alive = false;
    });
    run.join_all();
}

}  // namespace tidings::simulation::seeded_bugs
