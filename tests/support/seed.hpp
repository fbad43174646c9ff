// Where a random test takes its seed from: the system, or the environment to repeat a failure.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>

namespace support {

/// A new seed, printed at once so that it is known even if the program dies; TIDINGS_TEST_SEED sets it.
inline std::uint64_t fresh_seed(const char* test) {
    const char* const given = std::getenv("TIDINGS_TEST_SEED");  // NOLINT(concurrency-mt-unsafe): nobody sets it
    std::random_device system;
    const std::uint64_t seed =
        given != nullptr ? std::strtoull(given, nullptr, 10) : std::uint64_t{system()} << 32 | system();
    std::printf("%s: TIDINGS_TEST_SEED=%llu\n", test, static_cast<unsigned long long>(seed));
    std::fflush(stdout);
    return seed;
}

}  // namespace support
