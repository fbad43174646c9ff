/// State that a program has once, given to each run anew.
#pragma once

#include "simulation/scheduler.hpp"

#include <memory>

namespace tidings::base {

/// The only T of the process; in a simulation, the only T of the run. Made at the first call. What one run leaves
/// in a static object would otherwise change the schedules of the next: a seed would not replay in another
/// process, and a thread that a failed run abandoned would hold for ever what it held.
///
/// The one outside of runs is never destroyed; that of a run is, like a static object, by its main thread after
/// all threads have run their exit functions.
template <class T>
T& process_wide() {
    if (auto* const running = simulation::scheduler::current()) {
        static constexpr char key = 0;
        return running->objects().get<T>(&key, [] { return std::shared_ptr<T>{new T}; });
    }
    static T* const only = new T;
    return *only;
}

}  // namespace tidings::base
