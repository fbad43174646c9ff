/// An array that grows without moving what is in it.
#pragma once

#include <tidings/base/config.hpp>
#include <tidings/base/sync.hpp>

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace tidings::base {

/// The first elements stand in the object, the others in blocks of doubling size, made when they are asked for.
/// find() may run beside open(); open() beside open() may not.
template <class T>
class growing_array {
public:
    static constexpr std::uint32_t near_size = 256;

    /// For an index below near_size.
    const T& near(std::uint32_t index) const noexcept { return near_[index]; }

    /// Null if the element was never made.
    const T* find(std::uint32_t index) const noexcept {
        if (index < near_size) [[likely]]
            return &near_[index];
        return find_far(index);
    }

    /// Makes the element's block if there is none. Throws std::bad_alloc.
    T& open(std::uint32_t index) {
        if (index < near_size) return near_[index];
        const std::uint32_t n = block_of(index);
        if (!owned_[n]) {
            owned_[n] = std::make_unique<T[]>(first_of(n));  // a block is as large as all before it
            far_[n].store(owned_[n].get(), std::memory_order_release);
        }
        return owned_[n][index - first_of(n)];
    }

private:
    static constexpr std::uint32_t near_bits = std::bit_width(near_size) - 1;
    static constexpr std::size_t blocks = 32 - near_bits;

    static constexpr std::uint32_t block_of(std::uint32_t index) noexcept {
        return static_cast<std::uint32_t>(std::bit_width(index)) - near_bits - 1;
    }
    static constexpr std::uint32_t first_of(std::uint32_t block) noexcept { return near_size << block; }

    TIDINGS_NOINLINE const T* find_far(std::uint32_t index) const noexcept {
        const std::uint32_t n = block_of(index);
        const T* const block = far_[n].load(std::memory_order_acquire);  // pairs with open()
        return block != nullptr ? block + (index - first_of(n)) : nullptr;
    }

    std::array<T, near_size> near_{};
    std::array<atomic<T*>, blocks> far_{};
    std::array<std::unique_ptr<T[]>, blocks> owned_;
};

}  // namespace tidings::base
