#include "support/catch.hpp"
#include "support/seed.hpp"

#include <tidings/core/event_id.hpp>

#include <tidings/base/fork.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <random>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

using tidings::event_id;

namespace {

TEST_CASE("the default id is nil and identifies nothing") {
    CHECK(event_id{} == event_id{0, 0});
    CHECK(to_string(event_id{}) == "00000000-0000-0000-0000-000000000000");
    CHECK(event_id::next() != event_id{});
}

TEST_CASE("an id has the layout of RFC 9562, version 7") {
    using namespace std::chrono;
    const auto now = [] {
        return static_cast<std::uint64_t>(duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count());
    };
    const std::uint64_t before = now();
    const event_id id = event_id::next();
    const std::uint64_t after = now();
    const std::string text = to_string(id);
    CHECK(text[14] == '7');
    CHECK(std::string{"89ab"}.find(text[19]) != std::string::npos);
    CHECK(id.high() >> 16 >= before);
    CHECK(id.high() >> 16 <= after + 1);
}

TEST_CASE("to_string and parse are inverses, in either case of the digits") {
    const std::uint64_t seed = support::fresh_seed("parse");
    std::mt19937_64 random{seed};
    for (int n = 0; n < 1'000; ++n) {
        const event_id id{random(), random()};
        std::string text = to_string(id);
        REQUIRE(event_id::parse(text) == id);
        std::transform(text.begin(), text.end(), text.begin(),
                       [](char c) { return c >= 'a' && c <= 'f' ? static_cast<char>(c - 'a' + 'A') : c; });
        REQUIRE(event_id::parse(text) == id);
    }
    STATIC_REQUIRE(event_id::parse("00000000-0000-0001-0000-00000000000f") == event_id{1, 15});
}

TEST_CASE("parse refuses everything else") {
    const std::string good = "0190a6f2-7d3c-7a51-9b1e-3f0c5d2e8a47";
    REQUIRE(event_id::parse(good));
    CHECK_FALSE(event_id::parse(""));
    CHECK_FALSE(event_id::parse(good + " "));
    CHECK_FALSE(event_id::parse("{" + good + "}"));
    CHECK_FALSE(event_id::parse("0190a6f27d3c7a519b1e3f0c5d2e8a47"));
    for (std::size_t cut = 0; cut < good.size(); ++cut) CHECK_FALSE(event_id::parse(good.substr(0, cut)));
    for (std::size_t at = 0; at < good.size(); ++at) {
        for (const char wrong : {'g', 'G', ' ', '/', ':', '@', '`', '\0', '\xff', good[at] == '-' ? '0' : '-'}) {
            std::string bad = good;
            bad[at] = wrong;
            CHECK_FALSE(event_id::parse(bad));
        }
    }
}

TEST_CASE("a thread's ids only grow") {
    event_id last;
    for (int n = 0; n < 1'000'000; ++n) {
        const event_id next = event_id::next();
        if (!(last < next)) FAIL(to_string(last) << " then " << to_string(next));
        last = next;
    }
}

TEST_CASE("ids grow also when the clock stands still, jumps back, or a millisecond overflows") {
    tidings::detail::event_id_sequence sequence{42};
    event_id last;
    std::uint64_t clock = 1'000;
    for (int n = 0; n < 200'000; ++n) {
        if (n % 1'000 == 0) clock += 5;
        if (n % 7'000 == 0) clock -= 100;
        const event_id next = sequence.next(clock);
        REQUIRE(last < next);
        REQUIRE((next.high() >> 12 & 0xF) == 7);
        REQUIRE(next.low() >> 62 == 2);
        last = next;
    }
}

TEST_CASE("threads do not repeat each other's ids") {
    constexpr std::size_t each = 20'000;
    std::vector<std::vector<event_id>> made(4);
    std::vector<std::thread> threads;
    for (auto& ids : made)
        threads.emplace_back([&ids] {
            for (std::size_t n = 0; n < each; ++n) ids.push_back(event_id::next());
        });
    for (std::thread& t : threads) t.join();
    std::unordered_set<event_id> all;
    for (const auto& ids : made) all.insert(ids.begin(), ids.end());
    CHECK(all.size() == made.size() * each);
}

/// The random part of the first id of a later millisecond than now: two processes with one state make the same.
std::uint64_t tail_of_the_next_millisecond() {
    const auto milliseconds = [](const event_id& id) { return id.high() >> 16; };
    const event_id now = event_id::next();
    for (;;) {
        const event_id later = event_id::next();
        if (milliseconds(later) > milliseconds(now)) return later.low();
    }
}

TEST_CASE("a child process does not go on with its parent's random numbers") {
    const std::uint64_t generation = tidings::base::fork_count();
    event_id::next();  // the sequence exists before the fork
    for (int n = 0; n != 3; ++n) {
        int ends[2] = {};
        REQUIRE(::pipe(ends) == 0);
        const pid_t child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            // Neither is left to the other: a generation that counts, and ids that go by it.
            const std::uint64_t told[2] = {tidings::base::fork_count(), event_id::next().low()};
            ::_exit(::write(ends[1], told, sizeof told) == sizeof told ? 0 : 1);
        }
        std::uint64_t told[2] = {};
        REQUIRE(::read(ends[0], told, sizeof told) == sizeof told);
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        CHECK(status == 0);
        ::close(ends[0]);
        ::close(ends[1]);
        CHECK(told[0] == generation + 1);
        CHECK(tidings::base::fork_count() == generation);
        CHECK(told[1] != event_id::next().low());
    }
}

TEST_CASE("neither parent nor child nor sibling repeats an id after a fork") {
    event_id::next();
    constexpr std::size_t each = 1'000;
    std::unordered_set<std::uint64_t> seen;  // of what does not come from the clock
    std::size_t expected = 0;
    int ends[2] = {};
    REQUIRE(::pipe(ends) == 0);
    for (int n = 0; n != 2; ++n) {
        const pid_t child = ::fork();
        REQUIRE(child >= 0);
        if (child != 0) continue;
        std::vector<std::uint64_t> mine{tail_of_the_next_millisecond()};
        while (mine.size() != each) mine.push_back(event_id::next().low());
        for (const std::uint64_t& tail : mine)
            if (::write(ends[1], &tail, sizeof tail) != sizeof tail) ::_exit(1);
        ::_exit(0);
    }
    ::close(ends[1]);
    seen.insert(tail_of_the_next_millisecond());
    for (++expected; expected != each; ++expected) seen.insert(event_id::next().low());
    std::uint64_t tail = 0;
    for (; ::read(ends[0], &tail, sizeof tail) == sizeof tail; ++expected) seen.insert(tail);
    ::close(ends[0]);
    for (int status = 0; ::wait(&status) > 0;) CHECK(status == 0);
    CHECK(expected == 3 * each);
    CHECK(seen.size() == 3 * each);
}

/// The seed from which SplitMix64's second number is `wanted`: each of its steps can be undone.
std::uint64_t seed_whose_second_number_is(std::uint64_t wanted) {
    const auto unshift = [](std::uint64_t z, int by) {
        std::uint64_t x = z;
        for (int n = by; n < 64; n += by) x = z ^ (x >> by);
        return x;
    };
    const auto inverse = [](std::uint64_t odd) {
        std::uint64_t x = odd;
        for (int n = 0; n != 6; ++n) x *= 2 - odd * x;  // Newton's method modulo 2^64
        return x;
    };
    std::uint64_t z = unshift(wanted, 31);
    z = unshift(z * inverse(0x94D0'49BB'1331'11EBU), 27);
    z = unshift(z * inverse(0xBF58'476D'1CE4'E5B9U), 30);
    return z - 2 * 0x9E37'79B9'7F4A'7C15U;
}

TEST_CASE("ids grow, and keep their layout, when the low random bits overflow within a millisecond") {
    constexpr std::uint64_t all_ones = 0x3FFF'FFFF'FFFF'FFFF;
    tidings::detail::event_id_sequence sequence{seed_whose_second_number_is(all_ones)};
    event_id last = sequence.next(1'000);
    REQUIRE((last.low() & all_ones) == all_ones);
    const std::uint64_t high_bits = last.high() & 0xFFF;
    for (int n = 0; n != 1'000; ++n) {
        const event_id next = sequence.next(1'000);
        REQUIRE(last < next);
        REQUIRE(next.high() >> 16 == 1'000);
        REQUIRE((next.high() >> 12 & 0xF) == 7);
        REQUIRE((next.high() & 0xFFF) == high_bits + 1);
        REQUIRE(next.low() >> 62 == 2);
        last = next;
    }
}

TEST_CASE("an id's first 48 bits are the clock's milliseconds, and a later one's are the later clock's") {
    tidings::detail::event_id_sequence sequence{7};
    for (const std::uint64_t clock :
         {std::uint64_t{1}, std::uint64_t{1'700'000'000'000}, (std::uint64_t{1} << 48) - 1}) {
        const event_id id = sequence.next(clock);
        CHECK(id.high() >> 16 == clock);
        CHECK((id.high() >> 11 & 1) == 0);  // room to grow in
        CHECK(to_string(id)[14] == '7');
    }
    const event_id before = sequence.next(0);
    CHECK(before < sequence.next(0));  // set back: the time stands
}

TEST_CASE("sequences from different seeds are different, and from one seed the same") {
    tidings::detail::event_id_sequence one{1};
    tidings::detail::event_id_sequence same{1};
    tidings::detail::event_id_sequence other{2};
    const event_id id = one.next(1'000);
    CHECK(id == same.next(1'000));
    CHECK(id != other.next(1'000));
}

TEST_CASE("ids hash and order as values") {
    CHECK(event_id{1, 2} < event_id{1, 3});
    CHECK(event_id{1, 9} < event_id{2, 0});
    CHECK(std::hash<event_id>{}({1, 2}) == std::hash<event_id>{}({1, 2}));
    std::unordered_set<std::size_t> hashes;
    for (int n = 0; n < 10'000; ++n) hashes.insert(std::hash<event_id>{}(event_id::next()));
    CHECK(hashes.size() > 9'990);
}

}  // namespace
