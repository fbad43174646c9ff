/// Dispatch over a snapshot: an unsubscribe that waits for nobody is no barrier.
#pragma once

#include "simulation/seeded_bugs/version.hpp"
#include "simulation/sync.hpp"

#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace tidings::simulation::seeded_bugs {

template <version v>
class snapshot_bus {
public:
    void subscribe(std::function<void()> handler) {
        std::lock_guard lock{mutex_};
        handlers_.push_back(std::make_shared<std::function<void()>>(std::move(handler)));
    }

    void publish() {
        std::vector<std::shared_ptr<std::function<void()>>> snapshot;
        {
            std::lock_guard lock{mutex_};
            snapshot = handlers_;
            ++publishing_;
        }
        for (const auto& handler : snapshot) (*handler)();
        std::lock_guard lock{mutex_};
        if (--publishing_ == 0) idle_.notify_all();
    }

    void unsubscribe_all() {
        std::unique_lock lock{mutex_};
        handlers_.clear();
        if (v == version::fixed) idle_.wait(lock, [&] { return publishing_ == 0; });
    }

private:
    base::mutex mutex_;
    base::condition_variable idle_;
    std::vector<std::shared_ptr<std::function<void()>>> handlers_;
    int publishing_ = 0;
};

template <version v>
void snapshot_unsubscribe(scheduler& run) {
    snapshot_bus<v> bus;
    bool subscribed = true;
    bus.subscribe([&] { require(subscribed, "a handler runs after unsubscribe returned"); });
    run.spawn("publisher", [&] { bus.publish(); });
    run.spawn("unsubscriber", [&] {
        bus.unsubscribe_all();
        subscribed = false;
    });
    run.join_all();
}

}  // namespace tidings::simulation::seeded_bugs
