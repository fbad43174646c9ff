/// A program's asynchronous part on virtual time, in an order that a seed decides.
#pragma once

#include <tidings/base/error.hpp>
#include <tidings/base/idle_hook.hpp>
#include <tidings/executor/clock.hpp>
#include <tidings/executor/executor.hpp>
#include <tidings/testing/detail/world.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace tidings::testing {

/// An executor and a clock for buses whose concurrency is to be tested: one thread runs at a time, and time stands
/// still unless it is moved. The seed decides in which order tasks run, and which other ones come in between where a
/// task says yield() or waits. The same seed and program give the same order, in every process. Nothing that the
/// program does besides may depend on addresses, real time or threads of its own.
///
/// What is posted runs in steps: one task each, one event for a task of an asynchronous subscription. A step runs on
/// a thread of the simulation's own, from its begin to its end.
///
/// Where the library would block, steps go on instead: in a reset() that waits for a handler which has yielded, in
/// drain(), at a full queue. If no step can go on any more, and the thread that made the simulation waits for what
/// will never come, it gives up: the call returns as if it had ended, or says that it would deadlock. It waits
/// for a deadline by moving the time there. A step that waits for what none of the others brings stays suspended until
/// that thread brings it.
///
/// Belongs to the thread that makes it, which destroys it, too; of several that one thread has, the last one first.
class simulation {
public:
    using duration = std::chrono::steady_clock::duration;
    using time_point = std::chrono::steady_clock::time_point;

    /// Throws std::bad_alloc.
    explicit simulation(std::uint64_t seed) : seed_{seed}, world_{std::make_shared<detail::world>(seed)} {
        world_->outer = base::idle_hook::here();
        base::idle_hook::install(world_.get());
    }

    /// Destroys tasks that have not begun, and forgets alarms. Steps that are suspended go on to their end: what they
    /// wait for in vain they give up. A step that yields without end ends the program. What is posted from then on is
    /// destroyed.
    ~simulation() {
        world_->steps.close();
        base::idle_hook::install(world_->outer);
    }

    simulation(const simulation&) = delete;
    simulation& operator=(const simulation&) = delete;

    std::uint64_t seed() const noexcept { return seed_; }

    /// May outlive the simulation.
    executor_ref executor() const noexcept { return executor_ref{world_}; }

    /// Begins at the clock's epoch, which it calls the beginning of the year 2000 in UTC. May outlive the simulation.
    clock_ref clock() const noexcept { return clock_ref{world_}; }

    // These run steps, and are called by the thread that made the simulation, between steps: elsewhere they throw
    // tidings::error with errc::would_deadlock. Where a step needs a thread that the system does not give they throw
    // errc::no_threads, and the step waits to be run.

    /// Runs until no step can go on; time stands still. Returns how many steps began or went on.
    std::uint64_t run_until_idle() {
        require_home();
        return world_->steps.run(detail::stage::all);
    }

    /// Lets one step begin, or go on, until it ends, yields or waits. False: there is none.
    bool run_one() {
        require_home();
        return world_->steps.run(1) != 0;
    }

    /// Runs until idle, moves the time to when the next alarm is due, and so on, until `by` has passed.
    void advance(duration by) {
        require_home();
        world_->steps.advance(by);
    }

    /// In a step: any other one may go on here, or begin, before this one does. Elsewhere: like run_one().
    void yield() {
        if (world_->steps.in_step()) world_->steps.yield();
        else run_one();
    }

    // These are called from anywhere.

    time_point now() const noexcept { return world_->now(); }

    /// In [0, bound), from the seed; 0 if `bound` is. It does not change what runs when.
    std::uint64_t random(std::uint64_t bound) noexcept { return world_->random(bound); }

    /// Adds a line to trace().
    void note(std::string_view words) { world_->steps.say(std::string{words}); }

    /// What ran in which order, with the time: a line for whatever begins, yields, waits and goes on, for each alarm
    /// and each note. "t=1.5s  step 3 begins, posted by step 1": steps are numbered in the order in which they were
    /// posted. The last 100,000 lines.
    std::string trace() const { return world_->steps.account(); }

private:
    void require_home() const {
        if (!world_->steps.at_home()) throw error{errc::would_deadlock};
    }

    const std::uint64_t seed_;
    const std::shared_ptr<detail::world> world_;
};

/// Calls `body` with a new simulation for each seed from 0 to count - 1, and returns the first seed for which it
/// returns false or throws. The body makes all that it uses anew, so that a seed replays alone.
template <class F>
std::optional<std::uint64_t> find_failing_seed(std::uint64_t count, F body) {
    for (std::uint64_t seed = 0; seed != count; ++seed) {
        simulation one{seed};
        try {
            if (!body(one)) return seed;
        } catch (...) {
            return seed;
        }
    }
    return std::nullopt;
}

}  // namespace tidings::testing
