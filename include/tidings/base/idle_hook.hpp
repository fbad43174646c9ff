/// Where a thread would block: something else that it can do instead.
#pragma once

#include <tidings/base/sync.hpp>

#include <chrono>
#include <mutex>

namespace tidings::base {

/// Installed for a thread whose waiting would be for itself: the one that runs a simulation. No lock is held.
class idle_hook {
public:
    using time_point = std::chrono::steady_clock::time_point;

    /// Lets others go on, until about `deadline` of the clock that goes with it. False: nothing will change any more,
    /// or not before then. `again`: the caller asked before, looked, and waits still for the same.
    virtual bool go_on(time_point deadline, bool again) = 0;

    static idle_hook* here() noexcept { return thread_pointer<idle_hook>::get(); }
    static void install(idle_hook* hook) noexcept { thread_pointer<idle_hook>::set(hook); }

    static constexpr time_point never = time_point::max();

protected:
    ~idle_hook() = default;
};

/// Waits until `ready()`, which is asked with the lock held. With a hook that finds nothing more to do it gives up, and
/// returns false.
template <class Ready>
bool wait(condition_variable& changed, std::unique_lock<mutex>& lock, Ready ready) {
    for (bool again = false; !ready(); again = true) {
        if (idle_hook* const hook = idle_hook::here()) {
            lock.unlock();
            const bool something = hook->go_on(idle_hook::never, again);
            lock.lock();
            if (!something && !ready()) return false;
        } else {
            changed.wait(lock);
        }
    }
    return true;
}

}  // namespace tidings::base
