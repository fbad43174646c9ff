// What the library takes from <tidings/base/sync.hpp>, over the standard types, with locks that know how many of
// them their thread holds: for a program compiled with -DTIDINGS_SIMULATION='"support/lock_audit.hpp"'.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

namespace support {

/// Locks of the library that the calling thread holds.
inline constinit thread_local int locks_held = 0;

/// Locks that were ever taken: a program in which it stays 0 does not audit anything.
inline constinit std::atomic<std::uint64_t> locks_taken{0};

}  // namespace support

namespace tidings::base {

template <class T>
using atomic = std::atomic<T>;

class mutex {
public:
    void lock() {
        inner_.lock();
        ++support::locks_held;
        support::locks_taken.fetch_add(1, std::memory_order_relaxed);
    }
    void unlock() {
        --support::locks_held;
        inner_.unlock();
    }
    bool try_lock() {
        if (!inner_.try_lock()) return false;
        ++support::locks_held;
        return true;
    }

private:
    std::mutex inner_;
};

using condition_variable = std::condition_variable_any;
using thread = std::thread;
using thread_id = std::thread::id;
using steady_clock = std::chrono::steady_clock;

inline void cpu_relax() noexcept {}

inline thread_id this_thread_id() noexcept { return std::this_thread::get_id(); }

template <class T>
T& process_wide() {
    static T* const only = ::new T;
    return *only;
}

template <class T>
class thread_pointer {
public:
    static T* get() noexcept { return value_; }
    static void set(T* value) noexcept { value_ = value; }

private:
    static inline constinit thread_local T* value_ = nullptr;
};

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
