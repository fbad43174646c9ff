// One file of the program replaces operator new.
#include "support/allocations.hpp"

#include "support/catch.hpp"
#include "support/seed.hpp"

#include <tidings/consumer/vector_clock.hpp>

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <map>
#include <new>
#include <random>
#include <utility>

namespace {

using tidings::vector_clock;
constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();

vector_clock clock_of(std::initializer_list<std::pair<std::uint64_t, std::uint64_t>> entries) {
    vector_clock made;
    for (const auto& [writer, count] : entries) REQUIRE(made.raise(writer, count));
    return made;
}

vector_clock merged(vector_clock a, const vector_clock& b) {
    REQUIRE(a.merge(b));
    return a;
}

}  // namespace

TEST_CASE("a clock that saw more is greater, and two that saw different things are unordered") {
    const vector_clock none;
    const auto a = clock_of({{1, 1}});
    const auto b = clock_of({{1, 1}, {2, 1}});
    const auto c = clock_of({{1, 2}});
    CHECK(none < a);
    CHECK(a < b);
    CHECK(b > a);
    CHECK(a < c);
    CHECK((b <=> c) == std::partial_ordering::unordered);
    CHECK((c <=> b) == std::partial_ordering::unordered);
    CHECK_FALSE(b == c);
    CHECK((b <=> clock_of({{2, 1}, {1, 1}})) == std::partial_ordering::equivalent);
    CHECK(b == clock_of({{2, 1}, {1, 1}}));
}

TEST_CASE("a writer that wrote nothing is none") {
    vector_clock clock;
    CHECK(clock.raise(7, 0));
    CHECK(clock.entries().empty());
    CHECK(clock == vector_clock{});
    CHECK(clock.raise(7, 3));
    CHECK(clock.raise(7, 1));
    CHECK(clock.of(7) == 3);
    CHECK(clock.of(8) == 0);
    CHECK(clock.of(0) == 0);
    CHECK(clock.of(most) == 0);
}

TEST_CASE("a count does not overflow") {
    auto clock = clock_of({{most, most - 1}, {0, 1}});
    CHECK(clock.increment(most));
    CHECK(clock.of(most) == most);
    CHECK_FALSE(clock.increment(most));
    CHECK(clock.of(most) == most);
    CHECK(clock.increment(0));
}

TEST_CASE("the writers are bounded, and those that are there go on") {
    vector_clock clock;
    for (std::uint64_t writer = 0; writer < vector_clock::most_writers; ++writer) REQUIRE(clock.increment(writer));
    const vector_clock before = clock;
    CHECK_FALSE(clock.increment(1'000));
    CHECK_FALSE(clock.raise(1'000, 5));
    CHECK(clock.raise(1'000, 0));
    CHECK_FALSE(clock.merge(clock_of({{0, 9}, {1'000, 1}})));
    CHECK(clock == before);
    CHECK(clock.increment(63));
    CHECK(clock.merge(before));
}

TEST_CASE("without memory a clock is what it was") {
    if (!support::counts_allocations) return;
    const auto other = clock_of({{2, 1}, {3, 1}, {4, 1}, {5, 1}});
    auto clock = clock_of({{1, 1}});
    const vector_clock before = clock;
    int failures = 0;
    for (bool done = false; !done;) {
        try {
            const support::failing_allocation failing{failures + 1, support::failing::once};
            done = clock.merge(other);
        } catch (const std::bad_alloc&) {
            ++failures;
            REQUIRE(clock == before);
        }
    }
    CHECK(failures > 1);
    CHECK(clock.entries().size() == 5);
}

TEST_CASE("random clocks obey the laws of a partial order and of its least upper bound") {
    std::mt19937_64 random{support::fresh_seed("vector_clock laws")};
    using model = std::map<std::uint64_t, std::uint64_t>;
    const auto draw = [&] {
        model m;
        for (auto n = random() % 4; n != 0; --n) m[random() % 4] = 1 + random() % 3;
        return m;
    };
    const auto built = [](const model& m) {
        vector_clock clock;
        for (const auto& [writer, count] : m) REQUIRE(clock.raise(writer, count));
        return clock;
    };
    const auto below = [](const model& a, const model& b) {
        return std::all_of(a.begin(), a.end(), [&](const auto& each) {
            const auto found = b.find(each.first);
            return found != b.end() && found->second >= each.second;
        });
    };
    for (int round = 0; round < 20'000; ++round) {
        const model models[] = {draw(), draw(), draw()};
        const vector_clock a = built(models[0]);
        const vector_clock b = built(models[1]);
        const vector_clock c = built(models[2]);
        REQUIRE((a <= b) == below(models[0], models[1]));
        REQUIRE((a >= b) == below(models[1], models[0]));
        REQUIRE((a == b) == (models[0] == models[1]));
        REQUIRE((a == b) == ((a <=> b) == std::partial_ordering::equivalent));
        if (a <= b && b <= c) REQUIRE(a <= c);
        const vector_clock join = merged(a, b);
        REQUIRE(join == merged(b, a));
        REQUIRE(merged(a, merged(b, c)) == merged(merged(a, b), c));
        REQUIRE(merged(a, a) == a);
        REQUIRE((a <= join && b <= join));
        if (a <= c && b <= c) REQUIRE(join <= c);
    }
}
