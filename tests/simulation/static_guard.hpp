/// Lets threads of a simulation meet in the initialisation of a function's static object.
///
/// The compiler guards it with three functions of the C++ ABI. The runtime's own would find that the object is
/// being initialised by this very thread of the operating system, and hang or throw. Those here replace them: a
/// thread that comes second waits, in the simulation, for the one that came first.
///
/// With clang's ThreadSanitizer, whose own versions win, such a meeting still hangs.
#pragma once

#include "simulation/scheduler.hpp"

#include <cxxabi.h>
#include <sched.h>

#if defined(__GLIBCXX__) && (defined(__x86_64__) || defined(__aarch64__))

namespace tidings::simulation {

/// The ABI gives the first byte to "it is initialised"; the second is ours.
class static_guard {
public:
    explicit static_guard(abi::__guard* guard) noexcept : bytes_{reinterpret_cast<unsigned char*>(guard)} {}

    /// Whether the caller is to initialise. Atomic: the program may have real threads while no simulation runs.
    bool acquire() {
        for (;;) {
            if (__atomic_load_n(&bytes_[0], __ATOMIC_ACQUIRE) != 0) return false;
            if (__atomic_exchange_n(&bytes_[1], 1, __ATOMIC_ACQ_REL) == 0) {
                if (__atomic_load_n(&bytes_[0], __ATOMIC_ACQUIRE) == 0) return true;
                __atomic_store_n(&bytes_[1], 0, __ATOMIC_RELEASE);
                return false;
            }
            if (scheduler* const running = scheduler::current()) running->block({operation::initialise, bytes_});
            else ::sched_yield();
        }
    }

    void release(bool initialised) noexcept {
        if (initialised) __atomic_store_n(&bytes_[0], 1, __ATOMIC_RELEASE);
        __atomic_store_n(&bytes_[1], 0, __ATOMIC_RELEASE);
        if (scheduler* const running = scheduler::current()) running->wake_all(bytes_);
    }

private:
    unsigned char* bytes_;
};

}  // namespace tidings::simulation

namespace __cxxabiv1 {

extern "C" {

[[gnu::used]] inline int __cxa_guard_acquire(__guard* guard) {
    return tidings::simulation::static_guard{guard}.acquire() ? 1 : 0;
}
[[gnu::used]] inline void __cxa_guard_release(__guard* guard) noexcept {
    tidings::simulation::static_guard{guard}.release(true);
}
[[gnu::used]] inline void __cxa_guard_abort(__guard* guard) noexcept {
    tidings::simulation::static_guard{guard}.release(false);
}

}  // extern "C"

}  // namespace __cxxabiv1

#endif
