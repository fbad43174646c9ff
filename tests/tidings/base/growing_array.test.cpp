#include <tidings/base/growing_array.hpp>

#include "support/catch.hpp"

#include <atomic>
#include <cstdint>
#include <limits>
#include <map>
#include <thread>

namespace {

using numbers = tidings::base::growing_array<std::atomic<std::uint32_t>>;

// The first and the last index of each block, and their neighbours.
constexpr std::uint32_t edges[] = {0,     1,     255,   256,   257,   511,   512,   513,
                                   1'023, 1'024, 1'025, 2'047, 2'048, 5'000, 65'536};

TEST_CASE("elements beyond the near ones are not there before they are made") {
    const numbers all;
    for (const std::uint32_t index : edges) {
        CAPTURE(index);
        CHECK((all.find(index) != nullptr) == (index < numbers::near_size));
    }
    CHECK(all.find(std::numeric_limits<std::uint32_t>::max()) == nullptr);
}

TEST_CASE("every index has an element of its own, however far") {
    numbers all;
    constexpr std::uint32_t size = 5'000;
    for (std::uint32_t index = 0; index != size; ++index) all.open(index).store(index + 1);
    for (std::uint32_t index = 0; index != size; ++index) {
        REQUIRE(all.find(index) != nullptr);
        REQUIRE(all.find(index)->load() == index + 1);
        REQUIRE(&all.open(index) == all.find(index));
        if (index < numbers::near_size) REQUIRE(&all.near(index) == all.find(index));
    }
}

TEST_CASE("elements may be made in any order, and a new one is zero") {
    numbers all;
    for (const std::uint32_t index : {65'536U, 300U, 5'000U, 2'047U, 256U, 0U}) {
        CAPTURE(index);
        CHECK(all.open(index).load() == 0);
        all.open(index).store(7);
    }
    CHECK(all.find(512) == nullptr);  // nobody asked for its block
    CHECK(all.find(1'024) != nullptr);
    CHECK(all.find(300)->load() == 7);
}

TEST_CASE("an element keeps its address while the array grows") {
    numbers all;
    std::map<std::uint32_t, const void*> places;
    for (const std::uint32_t index : edges) {
        places[index] = &all.open(index);
        for (const auto& [earlier, place] : places) REQUIRE(all.find(earlier) == place);
    }
}

TEST_CASE("finding may run beside making") {
    constexpr std::uint32_t size = 40'000;
    numbers all;
    std::atomic<bool> started{false};
    std::uint32_t wrong = 0;
    std::thread reader{[&] {
        started = true;
        for (std::uint32_t index = 0; index != size;) {
            const auto* const found = all.find(index);
            if (found == nullptr) continue;
            const std::uint32_t value = found->load(std::memory_order_relaxed);
            if (value == 0) continue;  // not yet
            if (value != index + 1) ++wrong;
            ++index;
        }
    }};
    while (!started) std::this_thread::yield();
    for (std::uint32_t index = 0; index != size; ++index) all.open(index).store(index + 1, std::memory_order_relaxed);
    reader.join();
    CHECK(wrong == 0);
}

}  // namespace
