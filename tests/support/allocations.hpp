// Replaces the global operator new and delete of a program: counts what each thread allocates, and lets an
// allocation fail on demand. It defines them, so one file of a program includes it, and no second one.
//
// Clang's ThreadSanitizer brings operators that cannot be replaced: there nothing is counted and nothing fails.
#pragma once

#include <tidings/base/config.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace support {

#if defined(__clang__) && TIDINGS_HAS_TSAN
inline constexpr bool counts_allocations = false;
#else
inline constexpr bool counts_allocations = true;
#endif

/// What the calling thread allocated so far.
inline constinit thread_local std::uint64_t allocated_here = 0;

/// Blocks of the whole program that are allocated now.
inline constinit std::atomic<std::int64_t> blocks_in_use{0};

/// And their bytes, where the C library tells.
inline constinit std::atomic<std::int64_t> bytes_in_use{0};

inline std::int64_t size_of([[maybe_unused]] void* block) noexcept {
#if defined(__GLIBC__)
    return static_cast<std::int64_t>(::malloc_usable_size(block));
#else
    return 0;
#endif
}

/// How many allocations of the calling thread succeed before they fail; 0: they fail now, negative: they do not.
inline constinit thread_local std::int64_t allocations_left = -1;
inline constinit thread_local bool fails_from_then_on = false;
inline constinit thread_local std::uint64_t failed_here = 0;

/// How long allocations go on failing, once one did.
enum class failing { once, from_then_on };

/// While it lives, the n-th allocation of this thread (from 1) fails, or that and all later ones.
class failing_allocation {
public:
    failing_allocation(std::int64_t n, failing how) noexcept {
        allocations_left = n - 1;
        fails_from_then_on = how == failing::from_then_on;
        failed_here = 0;
    }
    ~failing_allocation() { allocations_left = -1; }
    failing_allocation(const failing_allocation&) = delete;
    failing_allocation& operator=(const failing_allocation&) = delete;

    /// Whether there were as many allocations as that.
    bool happened() const noexcept { return failed_here != 0; }
};

inline void* allocate(std::size_t size, std::size_t alignment) noexcept {
    if (allocations_left == 0) {
        ++failed_here;
        if (!fails_from_then_on) allocations_left = -1;
        return nullptr;
    }
    if (allocations_left > 0) --allocations_left;
    const std::size_t rounded = (size + alignment - 1) / alignment * alignment;
    void* const block = alignment <= alignof(std::max_align_t) ? std::malloc(size != 0 ? size : 1)
                                                               : std::aligned_alloc(alignment, rounded);
    if (block == nullptr) return nullptr;
    ++allocated_here;
    blocks_in_use.fetch_add(1, std::memory_order_relaxed);
    bytes_in_use.fetch_add(size_of(block), std::memory_order_relaxed);
    return block;
}

inline void* allocate_or_throw(std::size_t size, std::size_t alignment) {
    void* const block = allocate(size, alignment);
    if (block == nullptr) throw std::bad_alloc{};
    return block;
}

inline void release(void* block) noexcept {
    if (block == nullptr) return;
    blocks_in_use.fetch_sub(1, std::memory_order_relaxed);
    bytes_in_use.fetch_sub(size_of(block), std::memory_order_relaxed);
    std::free(block);
}

}  // namespace support

#if !defined(__clang__) || !TIDINGS_HAS_TSAN
// NOLINTBEGIN(misc-definitions-in-headers, readability-inconsistent-declaration-parameter-name)
void* operator new(std::size_t size) { return support::allocate_or_throw(size, 1); }
void* operator new[](std::size_t size) { return support::allocate_or_throw(size, 1); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return support::allocate(size, 1); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return support::allocate(size, 1); }
void* operator new(std::size_t size, std::align_val_t alignment) {
    return support::allocate_or_throw(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
    return support::allocate_or_throw(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* block) noexcept { support::release(block); }
void operator delete[](void* block) noexcept { support::release(block); }
void operator delete(void* block, std::size_t) noexcept { support::release(block); }
void operator delete[](void* block, std::size_t) noexcept { support::release(block); }
void operator delete(void* block, const std::nothrow_t&) noexcept { support::release(block); }
void operator delete[](void* block, const std::nothrow_t&) noexcept { support::release(block); }
void operator delete(void* block, std::align_val_t) noexcept { support::release(block); }
void operator delete[](void* block, std::align_val_t) noexcept { support::release(block); }
void operator delete(void* block, std::size_t, std::align_val_t) noexcept { support::release(block); }
void operator delete[](void* block, std::size_t, std::align_val_t) noexcept { support::release(block); }
// NOLINTEND(misc-definitions-in-headers, readability-inconsistent-declaration-parameter-name)
#endif
