/// Whether this is still the process that it was.
#pragma once

#include <atomic>
#include <cstdint>

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif

namespace tidings::base {

/// Counts the forks on the way to this process: a child has none of its parent's threads, and must not go on with its
/// random numbers.
inline std::uint64_t fork_count() noexcept {
#if defined(__unix__) || defined(__APPLE__)
    static constinit std::atomic<std::uint64_t> count{0};
    static const bool registered =
        ::pthread_atfork(nullptr, nullptr, [] { count.fetch_add(1, std::memory_order_relaxed); }) == 0;
    static_cast<void>(registered);
    return count.load(std::memory_order_relaxed);
#else
    return 0;
#endif
}

}  // namespace tidings::base
