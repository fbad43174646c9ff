/// The threads that a scenario starts, without those of its pools.
#pragma once

#include "simulation/scheduler.hpp"

#include <string_view>
#include <utility>
#include <vector>

namespace tidings::simulation {

class crew {
public:
    explicit crew(scheduler& run) noexcept : run_{run} {}

    template <class Function>
    void spawn(std::string_view name, Function function) {
        started_.push_back(run_.spawn(name, std::move(function)));
    }

    void join() {
        for (const auto each : std::exchange(started_, {})) run_.join(each);
    }

private:
    scheduler& run_;
    std::vector<thread_id> started_;
};

}  // namespace tidings::simulation
