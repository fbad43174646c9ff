/// Numbers from a seed, the same ones everywhere.
#pragma once

#include <cstdint>

namespace tidings::testing::detail {

/// SplitMix64 (Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", 2014): neighbouring seeds give
/// unrelated streams, as a search over consecutive seeds needs.
class random_stream {
public:
    explicit random_stream(std::uint64_t seed) noexcept : state_{seed} {}

    std::uint64_t next() noexcept {
        std::uint64_t z = state_ += 0x9E37'79B9'7F4A'7C15U;
        z = (z ^ z >> 30) * 0xBF58'476D'1CE4'E5B9U;
        z = (z ^ z >> 27) * 0x94D0'49BB'1331'11EBU;
        return z ^ z >> 31;
    }

    /// In [0, bound), each with the same chance; 0 if `bound` is.
    std::uint64_t below(std::uint64_t bound) noexcept {
        if (bound == 0) return 0;
        const std::uint64_t surplus = (std::uint64_t{0} - bound) % bound;  // 2^64 mod bound
        std::uint64_t drawn = next();
        while (drawn < surplus) drawn = next();
        return drawn % bound;
    }

private:
    std::uint64_t state_;
};

}  // namespace tidings::testing::detail
