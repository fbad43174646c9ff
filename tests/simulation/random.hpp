/// The only source of chance in a run.
#pragma once

#include <cstdint>

namespace tidings::simulation {

/// SplitMix64 (Steele, Lea, Flood 2014): neighbouring seeds give unrelated sequences, which an exploration over
/// consecutive seeds needs, and every standard library gives the same.
class random {
public:
    explicit constexpr random(std::uint64_t seed) noexcept : state_{seed} {}

    constexpr std::uint64_t next() noexcept {
        std::uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
        return z ^ (z >> 31);
    }

    /// In [0, bound); `bound` is from 1 to 2^32. The bias is below 2^-32 times the bound.
    constexpr std::uint64_t below(std::uint64_t bound) noexcept { return ((next() >> 32) * bound) >> 32; }

    /// True once in `n` times; never for 0.
    constexpr bool one_in(std::uint64_t n) noexcept { return n != 0 && below(n) == 0; }

private:
    std::uint64_t state_;
};

}  // namespace tidings::simulation
