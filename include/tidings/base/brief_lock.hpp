/// A lock for sections of some instructions.
#pragma once

#include <tidings/base/sync.hpp>

#include <mutex>

namespace tidings::base {

/// Locks a mutex whose holders never keep it for long: it tries for a while before it lets the system put the thread
/// to sleep, which takes a hundred times as long as they do.
class brief_lock : public std::unique_lock<base::mutex> {
public:
    explicit brief_lock(base::mutex& m) : unique_lock{m, std::defer_lock} { lock_soon(); }

    void lock_soon() {
        for (unsigned n = 0; n != tries; ++n) {
            if (try_lock()) return;
            for (unsigned pause = 0; pause != 4; ++pause) cpu_relax();
        }
        lock();
    }

private:
#if defined(TIDINGS_SIMULATION)
    static constexpr unsigned tries = 0;
#else
    static constexpr unsigned tries = 50;
#endif
};

}  // namespace tidings::base
