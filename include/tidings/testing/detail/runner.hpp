/// The threads that run a simulation's steps.
#pragma once

#include <tidings/base/job.hpp>
#include <tidings/base/sync.hpp>
#include <tidings/executor/clock.hpp>
#include <tidings/testing/detail/baton.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace tidings::testing::detail {

/// A thread for steps, and what it is to do when it gets the baton.
struct runner : seat {
    explicit runner(const void* of) noexcept : home{of} {}

    const void* const home;
    base::thread thread;

    std::uint64_t step = 0;
    base::job* to_run = nullptr;                // the step to begin with, or
    tidings::detail::alarm* to_ring = nullptr;  // the alarm to ring, or else it goes on

    // While it waits, and after it looked whether it has to.
    std::chrono::steady_clock::time_point until{};
    std::uint64_t progress = 0;  // agenda::progress, when it last looked
};

/// Makes threads when they are needed, and keeps them. Members are called with the lock of the baton held.
class crew {
public:
    std::size_t size() const noexcept { return all_.size(); }

    /// One that has nothing to do; a new one runs `live(self)`. Throws what making it throws.
    template <class Live>
    runner& spare(const void* home, Live live) {
        if (!idle_.empty()) {
            runner& last = *idle_.back();
            idle_.pop_back();
            return last;
        }
        idle_.reserve(size() + 1);
        auto made = std::make_unique<runner>(home);
        runner& self = *made;
        all_.push_back(std::move(made));
        try {
            self.thread = base::thread{[live, &self] { live(self); }};
        } catch (...) {
            all_.pop_back();
            throw;
        }
        return self;
    }

    void rest(runner& r) noexcept { idle_.push_back(&r); }

    /// Gives the baton to one after the other, each of which ends then. All are idle; without the lock.
    void dismiss(base::mutex& guard, baton& one) {
        for (const auto& each : all_) {
            {
                const std::lock_guard lock{guard};
                one.give(*each);
            }
            each->thread.join();
        }
    }

private:
    std::vector<std::unique_ptr<runner>> all_;
    std::vector<runner*> idle_;  // room for all
};

}  // namespace tidings::testing::detail
