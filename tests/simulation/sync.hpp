/// What the library takes from <tidings/base/sync.hpp>, simulated: a test program that is compiled with
/// -DTIDINGS_SIMULATION='"simulation/sync.hpp"' runs the library's threads as fibers of a simulation::scheduler.
/// While no simulation runs, everything here works plainly, for one thread.
#pragma once

#include "simulation/atomic.hpp"
#include "simulation/clock.hpp"
#include "simulation/condition_variable.hpp"
#include "simulation/mutex.hpp"
#include "simulation/process_wide.hpp"
#include "simulation/require.hpp"
#include "simulation/scheduler.hpp"
#include "simulation/static_guard.hpp"
#include "simulation/thread.hpp"
#include "simulation/thread_pointer.hpp"

// What includes the real header may count on finding these.
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace tidings::base {

/// Any other thread may go on here. For what is ordered without an operation of its own, such as a fence.
inline void preemption_point() noexcept {
    if (auto* const running = simulation::scheduler::current()) running->step(simulation::operation::fence, nullptr);
}

/// The calling thread spins: others go first.
inline void yield() noexcept {
    if (auto* const running = simulation::scheduler::current()) running->yield();
}

inline void cpu_relax() noexcept { base::yield(); }

}  // namespace tidings::base
