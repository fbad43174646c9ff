/// A pair of fences for a flag that is read often and changed seldom: each orders a store before a later load.
///
/// Two threads each store to one place and load the other's; the fences promise that at least one of them sees
/// the other's store. The publishing side pays a compiler barrier, the unsubscribing side makes the kernel run a
/// barrier on every processor that runs this process (Linux: membarrier, 0.35 µs measured; Windows:
/// FlushProcessWriteBuffers). Where there is neither, both sides run a full fence.
///
/// ThreadSanitizer and the simulator model no fences. Under them the same stores and loads are sequentially
/// consistent, which gives the same promise; `store_order` and `load_order` say which it is.
///
/// Source: Dice, Huang, Yang, "Asymmetric Dekker Synchronization" (2001); P1202, "Asymmetric fences".
/// The Windows and macOS branches are written and untested.
#pragma once

#include <tidings/base/config.hpp>
#include <tidings/base/sync.hpp>

#include <atomic>
#include <cstdlib>

#if defined(__linux__)
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>
#elif defined(_WIN32)
extern "C" __declspec(dllimport) void __stdcall FlushProcessWriteBuffers(void);
#endif

namespace tidings::base {

#if defined(TIDINGS_SIMULATION) || TIDINGS_HAS_TSAN

inline constexpr std::memory_order store_order = std::memory_order_seq_cst;
inline constexpr std::memory_order load_order = std::memory_order_seq_cst;

inline bool enable_asymmetric_fences() noexcept { return true; }
template <bool Asymmetric>
void light_fence() noexcept {}
inline void heavy_fence(bool) noexcept {}
inline void full_fence() noexcept {}

#else

inline constexpr std::memory_order store_order = std::memory_order_release;
inline constexpr std::memory_order load_order = std::memory_order_acquire;

/// Both sides of the pair may run this one.
inline void full_fence() noexcept { std::atomic_thread_fence(std::memory_order_seq_cst); }

#if defined(__linux__)

inline bool enable_asymmetric_fences() noexcept {
    return ::syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
}

inline void heavy_fence(bool asymmetric) noexcept {
    full_fence();
    // After registration the call fails only where a seccomp filter came later; no answer but a loud one is
    // safe then, and a fence that silently does nothing is none.
    if (asymmetric && ::syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) != 0) {
        if (!enable_asymmetric_fences() || ::syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) != 0)
            std::abort();
    }
}

#elif defined(_WIN32)

inline bool enable_asymmetric_fences() noexcept { return true; }

inline void heavy_fence(bool asymmetric) noexcept {
    full_fence();
    if (asymmetric) ::FlushProcessWriteBuffers();
}

#else

inline bool enable_asymmetric_fences() noexcept { return false; }
inline void heavy_fence(bool) noexcept { full_fence(); }

#endif

/// `Asymmetric` is what enable_asymmetric_fences() returned, the same on both sides.
template <bool Asymmetric>
TIDINGS_INLINE void light_fence() noexcept {
    if constexpr (Asymmetric) std::atomic_signal_fence(std::memory_order_seq_cst);
    else full_fence();
}

#endif

}  // namespace tidings::base
