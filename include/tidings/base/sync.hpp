/// Every atomic, lock, wait and per-thread pointer of the library comes from here, so that a test program can
/// put its own in their place: compiled with TIDINGS_SIMULATION naming a header, it gets fibers whose schedule
/// comes from a seed, or locks that know who holds them.
#pragma once

#if defined(TIDINGS_SIMULATION)
#include TIDINGS_SIMULATION
#else

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <new>
#include <thread>

#if defined(_MSC_VER)
#include <intrin.h>
#endif

namespace tidings::base {

template <class T>
using atomic = std::atomic<T>;
using mutex = std::mutex;
using condition_variable = std::condition_variable;
using thread = std::thread;
using thread_id = std::thread::id;
using steady_clock = std::chrono::steady_clock;

inline thread_id this_thread_id() noexcept { return std::this_thread::get_id(); }

/// The calling thread spins: a hint to the processor.
inline void cpu_relax() noexcept {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(_MSC_VER)
    _mm_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

/// The only T of the process, or of the shared library if it hides its symbols. Made at the first call and never
/// destroyed: threads and static objects may outlive every order of destruction.
template <class T>
T& process_wide() {
    alignas(T) static std::byte memory[sizeof(T)];  // of the library's own: it goes when the library is unloaded
    static T* const only = ::new (static_cast<void*>(memory)) T;
    return *only;
}

/// One pointer to T per thread, null at first. Reading it is one instruction in a program, a call in a library
/// that is loaded at run time.
template <class T>
class thread_pointer {
public:
    static T* get() noexcept { return value_; }
    static void set(T* value) noexcept { value_ = value; }

private:
    static inline constinit thread_local T* value_ = nullptr;
};

/// Runs `run(argument)` when the calling thread ends, after what was registered later. At most one registration
/// per thread and `run`.
template <void (*run)(void*) noexcept>
void at_thread_exit(void* argument) {
    struct guard {
        void* argument;
        ~guard() { run(argument); }
    };
    thread_local guard at_exit{argument};
    static_cast<void>(at_exit);
}

}  // namespace tidings::base

#endif
