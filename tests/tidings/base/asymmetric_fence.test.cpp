#include <tidings/base/asymmetric_fence.hpp>

#include <tidings/base/sync.hpp>

#include "support/catch.hpp"

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace {

namespace base = tidings::base;

/// Two threads meet in each round, then each stores to its own place, fences, and loads the other's.
/// Returns in how many rounds neither saw the other's store.
template <class LeftFence, class RightFence>
int rounds_without_sight(std::uint32_t rounds, LeftFence left_fence, RightFence right_fence) {
    struct side {
        alignas(64) base::atomic<std::uint32_t> place{0};
        alignas(64) std::atomic<std::uint32_t> round{0};
        alignas(64) std::vector<char> saw;
    };
    side left;
    side right;
    left.saw.resize(rounds + 1);
    right.saw.resize(rounds + 1);
    const auto run = [rounds](side& mine, side& other, auto fence) {
        for (std::uint32_t round = 1; round <= rounds; ++round) {
            mine.round.store(round);
            for (int spins = 0; other.round.load() < round; ++spins)
                if (spins > 1'000) std::this_thread::yield();
            mine.place.store(round, base::store_order);
            fence();
            mine.saw[round] = other.place.load(base::load_order) >= round;
        }
    };
    std::thread beside{[&] { run(right, left, right_fence); }};
    run(left, right, left_fence);
    beside.join();
    int neither = 0;
    for (std::uint32_t round = 1; round <= rounds; ++round)
        if (left.saw[round] == 0 && right.saw[round] == 0) ++neither;
    return neither;
}

constexpr std::uint32_t rounds = 100'000;

TEST_CASE("a light fence against a heavy one: at least one side sees the other's store") {
    const bool asymmetric = base::enable_asymmetric_fences();
    const auto heavy = [asymmetric] { base::heavy_fence(asymmetric); };
    if (asymmetric)
        CHECK(rounds_without_sight(
                  rounds, [] { base::light_fence<true>(); }, heavy) == 0);
    else
        CHECK(rounds_without_sight(
                  rounds, [] { base::light_fence<false>(); }, heavy) == 0);
}

TEST_CASE("without help from the system both fences are full ones") {
    CHECK(rounds_without_sight(
              rounds, [] { base::light_fence<false>(); }, [] { base::heavy_fence(false); }) == 0);
}

TEST_CASE("both sides may run a full fence") {
    CHECK(rounds_without_sight(
              rounds, [] { base::full_fence(); }, [] { base::full_fence(); }) == 0);
}

TEST_CASE("asymmetric fences may be enabled more than once") {
    const bool first = base::enable_asymmetric_fences();
    CHECK(base::enable_asymmetric_fences() == first);
    base::heavy_fence(first);
}

#if TIDINGS_HAS_TSAN
TEST_CASE("ThreadSanitizer, which models no fences, sees sequentially consistent atomics instead") {
    STATIC_REQUIRE(base::store_order == std::memory_order_seq_cst);
    STATIC_REQUIRE(base::load_order == std::memory_order_seq_cst);
}
#endif

}  // namespace
