/// std::mutex for a simulation: it knows who holds it, and reports what std::mutex leaves undefined.
#pragma once

#include "simulation/require.hpp"
#include "simulation/scheduler.hpp"

#include <string>
#include <type_traits>
#include <utility>

namespace tidings::base {

class condition_variable;

/// Unfair: whoever comes first after an unlock() gets it, waiting or not.
class mutex {
public:
    constexpr mutex() noexcept = default;
    constexpr ~mutex() {
        // Outside of a run the holder may be a thread that a failed run abandoned.
        if (!std::is_constant_evaluated() && holder_ != nullptr && simulation::scheduler::current() != nullptr)
            misused("is destroyed and held");
    }
    mutex(const mutex&) = delete;
    mutex& operator=(const mutex&) = delete;

    void lock() {
        step(simulation::operation::lock);
        acquire();
    }

    bool try_lock() {
        step(simulation::operation::try_lock);
        if (holder_ == &simulation::this_thread()) misused("is tried by the thread that holds it");
        if (holder_ != nullptr) return false;
        take();
        return true;
    }

    void unlock() {
        release();
        if (auto* const running = simulation::scheduler::current())
            running->step_after(simulation::operation::unlock, this);
    }

private:
    friend class condition_variable;

    void step(simulation::operation what) const {
        if (auto* const running = simulation::scheduler::current()) running->step(what, this);
    }

    void acquire() {
        if (holder_ == &simulation::this_thread()) misused("is locked by the thread that holds it");
        while (holder_ != nullptr) {
            auto* const running = simulation::scheduler::current();
            if (running == nullptr) misused("is held by a thread that no longer runs");
            running->block({simulation::operation::lock, this, &holder_});
        }
        take();
    }

    void release() {
        if (holder_ != &simulation::this_thread()) misused("is unlocked by a thread that does not hold it");
        --simulation::this_thread().locks;
        holder_ = nullptr;
        if (auto* const running = simulation::scheduler::current()) running->wake_all(this);
    }

    void take() {
        holder_ = &simulation::this_thread();
        ++simulation::this_thread().locks;
    }

    [[noreturn]] void misused(const char* how) const {
        auto* const running = simulation::scheduler::current();
        std::string name = running != nullptr ? running->name_of(simulation::operation::lock, this) : "a mutex";
        simulation::misuse(std::move(name) + ' ' + how);
    }

    const simulation::thread_state* holder_ = nullptr;
};

}  // namespace tidings::base
