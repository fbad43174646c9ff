#include "support/captures.hpp"
#include "support/catch.hpp"

#include <tidings/core/bus.hpp>
#include <tidings/core/context.hpp>

#include <chrono>
#include <cstdint>
#include <ctime>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#if defined(__GLIBCXX__)
// The program's own clock takes the place of the standard library's, and counts how often it is read. Ids and times
// are made from nothing else that can be observed.
static std::uint64_t clock_reads = 0;  // on the main thread
std::chrono::system_clock::time_point std::chrono::system_clock::now() noexcept {
    ++clock_reads;
    std::timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    return time_point{duration_cast<duration>(seconds{now.tv_sec} + nanoseconds{now.tv_nsec})};
}
#endif

namespace {

struct first {
    static constexpr std::string_view event_type = "test.first";
};
struct second {};
struct third {};

/// What a handler learnt.
struct learnt {
    tidings::event_id id, correlation, causation;
    explicit learnt(const tidings::context& c)
        : id{c.id()}, correlation{c.correlation_id()}, causation{c.causation_id()} {}
};

}  // namespace

TEST_CASE("a root event has an id, is its own correlation, and has no cause") {
    tidings::bus bus;
    std::optional<learnt> seen;
    auto taken = bus.subscribe([&](const first&, const tidings::context& c) { seen.emplace(c); });
    bus.publish(first{});
    CHECK(seen->id != tidings::event_id{});
    CHECK(seen->correlation == seen->id);
    CHECK(seen->causation == tidings::event_id{});
}

TEST_CASE("every handler of an event sees the same values, and the next event others") {
    tidings::bus bus;
    std::vector<learnt> seen;
    std::vector<std::chrono::system_clock::time_point> times;
    const auto look = [&](const first&, const tidings::context& c) {
        seen.emplace_back(c);
        times.push_back(c.time());
    };
    auto a = bus.subscribe(look);
    auto b = bus.subscribe(look);
    bus.publish(first{});
    bus.publish(first{});
    REQUIRE(seen.size() == 4);
    CHECK(seen[0].id == seen[1].id);
    CHECK(times[0] == times[1]);
    CHECK(seen[2].id == seen[3].id);
    CHECK(seen[0].id < seen[2].id);
}

TEST_CASE("a nested event names its cause and keeps the correlation, also through handlers without a context") {
    tidings::bus bus;
    tidings::bus other;
    std::optional<learnt> one;
    std::optional<learnt> three;
    auto a = bus.subscribe([&](const first&) { other.publish(second{}); });  // asks nothing
    auto b = other.subscribe([&](const second&) { bus.publish(third{}); });
    auto c = bus.subscribe([&](const third&, const tidings::context& o) { three.emplace(o); });
    auto d = bus.subscribe([&](const first&, const tidings::context& o) { one.emplace(o); });
    bus.publish(first{});
    REQUIRE((one && three));
    CHECK(three->correlation == one->id);
    CHECK(three->causation != one->id);  // the second event lies between
    CHECK(three->causation != tidings::event_id{});
    CHECK(one->id < three->causation);
    CHECK(three->causation < three->id);
}

TEST_CASE("a cause's id is smaller than its effect's, whichever is asked first") {
    tidings::bus bus;
    tidings::event_id effect;
    tidings::event_id cause;
    auto a = bus.subscribe([&](const second&, const tidings::context& c) { effect = c.id(); });
    auto b = bus.subscribe([&](const first&, const tidings::context& c) {
        bus.publish(second{});
        cause = c.id();
    });
    bus.publish(first{});
    CHECK(cause < effect);
}

TEST_CASE("what the publisher gives is what the handler gets") {
    tidings::bus bus;
    const tidings::event_id id{1, 2};
    const tidings::event_id correlation{3, 4};
    const tidings::event_id causation{5, 6};
    int calls = 0;
    auto taken = bus.subscribe([&](const first&, const tidings::context& c) {
        ++calls;
        CHECK(c.id() == id);
        CHECK(c.correlation_id() == correlation);
        CHECK(c.causation_id() == causation);
        CHECK(c.topic() == "a.topic");
        CHECK(c.key() == "a key");
        CHECK(c.source() == "a source");
        CHECK(c.event_type() == "test.first");
        CHECK(c.attempt() == 1);
        CHECK(c.header("two") == "2");
        CHECK(c.header("three").empty());
        CHECK(c.headers().size() == 3);
    });
    bus.publish(first{}, {.topic = "a.topic",
                          .key = "a key",
                          .source = "a source",
                          .id = id,
                          .correlation_id = correlation,
                          .causation_id = causation,
                          .headers = {{"one", "1"}, {"two", "2"}, {"two", "again"}}});
    CHECK(calls == 1);
}

TEST_CASE("a given correlation and id are inherited") {
    tidings::bus bus;
    std::optional<learnt> effect;
    auto a = bus.subscribe([&](const first&) { bus.publish(second{}); });
    auto b = bus.subscribe([&](const second&, const tidings::context& c) { effect.emplace(c); });
    bus.publish(first{}, {.id = {7, 7}, .correlation_id = {8, 8}});
    CHECK(effect->causation == tidings::event_id{7, 7});
    CHECK(effect->correlation == tidings::event_id{8, 8});
}

TEST_CASE("without options there is nothing but the type's name, and options do not stay for the next event") {
    tidings::bus bus;
    std::vector<std::string> seen;
    const auto look = [&](const first&, const tidings::context& c) {
        seen.push_back(std::string{c.topic()} + '|' + std::string{c.source()} + '|' + std::string{c.key()} + '|' +
                       std::string{c.header("h")});
    };
    auto a = bus.subscribe(look);
    auto nested = bus.subscribe([&](const second&) { bus.publish(first{}); });
    bus.publish(first{}, {.topic = "t", .key = "k", .source = "s", .headers = {{"h", "v"}}});
    bus.publish(first{});
    bus.publish(second{}, {.topic = "t", .key = "k", .source = "s", .headers = {{"h", "v"}}});
    CHECK(seen == std::vector<std::string>{"t|s|k|v", "test.first|||", "test.first|||"});
}

TEST_CASE("an event that captures publish as they die inside a handler has that handler's event as its cause") {
    tidings::bus bus;
    tidings::event_id cause;
    tidings::event_id effect_of;
    tidings::subscription dies;
    auto hears = bus.subscribe([&](const second&, const tidings::context& c) { effect_of = c.causation_id(); });
    dies = bus.subscribe([last = support::at_end{[&] { bus.publish(second{}); }}](const third&) {});
    auto ends_it = bus.subscribe([&](const first&, const tidings::context& c) {
        cause = c.id();
        dies.reset();
    });
    bus.publish(first{});
    CHECK(effect_of == cause);
    CHECK(cause != tidings::event_id{});
}

TEST_CASE("causes and correlation reach through any number of handlers that ask for nothing") {
    struct step {
        int n = 0;
    };
    tidings::bus bus;
    std::vector<learnt> seen;
    auto nests = bus.subscribe([&](const step& s) {
        if (s.n < 50) bus.publish(step{s.n + 1});
    });
    auto looks = bus.subscribe([&](const step&, const tidings::context& c) { seen.emplace_back(c); });
    bus.publish(step{0});
    REQUIRE(seen.size() == 51);  // the innermost first: each handler nests before the second one looks
    CHECK(seen.back().causation == tidings::event_id{});
    for (std::size_t n = 0; n + 1 != seen.size(); ++n) {
        CHECK(seen[n].causation == seen[n + 1].id);
        CHECK(seen[n + 1].id < seen[n].id);
        CHECK(seen[n].correlation == seen.back().id);
    }
}

TEST_CASE("events of one handler have ids of their own, and one cause") {
    tidings::bus bus;
    std::vector<learnt> seen;
    auto causes = bus.subscribe([&](const first&) {
        for (int n = 0; n != 3; ++n) bus.publish(second{});
    });
    auto looks = bus.subscribe([&](const second&, const tidings::context& c) { seen.emplace_back(c); });
    bus.publish(first{});
    REQUIRE(seen.size() == 3);
    for (std::size_t n = 1; n != 3; ++n) {
        CHECK(seen[n - 1].id < seen[n].id);
        CHECK(seen[n].causation == seen[0].causation);
        CHECK(seen[n].correlation == seen[0].correlation);
    }
}

TEST_CASE("what a publisher in between gives goes inwards, not outwards") {
    tidings::bus bus;
    std::optional<learnt> one;
    std::optional<learnt> two;
    std::optional<learnt> three;
    std::vector<std::string> sources;
    const auto look = [&](std::optional<learnt>& into, const tidings::context& c) {
        into.emplace(c);
        sources.emplace_back(c.source());
    };
    auto a = bus.subscribe([&](const first&, const tidings::context& c) {
        bus.publish(second{}, {.source = "between", .correlation_id = {8, 8}, .causation_id = {9, 9}});
        look(one, c);
    });
    auto b = bus.subscribe([&](const second&, const tidings::context& c) {
        bus.publish(third{});
        look(two, c);
    });
    auto d = bus.subscribe([&](const third&, const tidings::context& c) { look(three, c); });
    bus.publish(first{}, {.source = "root"});
    CHECK(one->correlation == one->id);
    CHECK(one->causation == tidings::event_id{});
    CHECK(two->correlation == tidings::event_id{8, 8});
    CHECK(two->causation == tidings::event_id{9, 9});
    CHECK(three->correlation == tidings::event_id{8, 8});
    CHECK(three->causation == two->id);
    CHECK(one->id < two->id);
    CHECK(two->id < three->id);
    CHECK(sources == std::vector<std::string>{"", "between", "root"});
}

TEST_CASE("what another thread publishes during a handler has no cause here") {
    tidings::bus bus;
    std::optional<learnt> seen;
    auto looks = bus.subscribe([&](const second&, const tidings::context& c) { seen.emplace(c); });
    auto spawns = bus.subscribe([&](const first&) { std::thread{[&] { bus.publish(second{}); }}.join(); });
    bus.publish(first{}, {.correlation_id = {8, 8}});
    REQUIRE(seen);
    CHECK(seen->causation == tidings::event_id{});
    CHECK(seen->correlation == seen->id);
}

TEST_CASE("an event published after a nested one ended is a root again") {
    tidings::bus bus;
    std::vector<learnt> seen;
    auto looks = bus.subscribe([&](const second&, const tidings::context& c) { seen.emplace_back(c); });
    auto nests = bus.subscribe([&](const first&) { bus.publish(second{}); });
    bus.publish(first{});
    bus.publish(second{});
    REQUIRE(seen.size() == 2);
    CHECK(seen[0].causation != tidings::event_id{});
    CHECK(seen[1].causation == tidings::event_id{});
    CHECK(seen[1].correlation == seen[1].id);
    CHECK(seen[0].id < seen[1].id);
}

TEST_CASE("a failing publish leaves no options behind") {
    tidings::bus bus{{.on_error = [](const tidings::handler_error&) {}}};
    std::vector<std::string> sources;
    bool fails = true;
    auto looks = bus.subscribe([&](const first&, const tidings::context& c) {
        sources.emplace_back(c.source());
        if (fails) throw std::runtime_error{"x"};
    });
    bus.publish(first{}, {.source = "s"});
    fails = false;
    bus.publish(first{});
    CHECK(sources == std::vector<std::string>{"s", ""});
}

#if defined(__GLIBCXX__)
/// How often `body` read the clock.
template <class Body>
std::uint64_t reads_of(Body body) {
    const std::uint64_t before = clock_reads;
    body();
    return clock_reads - before;
}

TEST_CASE("no clock is read and no id made before somebody asks, and then once for each event") {
    tidings::bus bus;
    int depth = 3;
    auto plain = bus.subscribe([&](const first&) {});
    auto looks_elsewhere = bus.subscribe([&](const first&, const tidings::context& c) {
        static_cast<void>(c.topic());
        static_cast<void>(c.source());
        static_cast<void>(c.header("h"));
        static_cast<void>(c.attempt());
    });
    auto nests = bus.subscribe([&](const first&) {
        if (depth-- > 0) bus.publish(first{});
    });
    CHECK(reads_of([&] { bus.publish(first{}); }) == 0);
    CHECK(reads_of([&] { bus.publish(first{}, {.source = "s"}); }) == 0);

    auto a = bus.subscribe([](const second&, const tidings::context& c) { static_cast<void>(c.id()); });
    auto b = bus.subscribe([](const second&, const tidings::context& c) {
        static_cast<void>(c.id());
        static_cast<void>(c.correlation_id());
        static_cast<void>(c.causation_id());
    });
    CHECK(reads_of([&] { bus.publish(second{}); }) == 1);
    CHECK(reads_of([&] { bus.publish(second{}, {.id = {1, 2}}); }) == 0);
    auto inside = bus.subscribe([&](const third&) { bus.publish(second{}); });
    CHECK(reads_of([&] { bus.publish(third{}); }) == 2);  // the cause's id and its own

    auto asks_time = bus.subscribe([](const third&, const tidings::context& c) { CHECK(c.time() == c.time()); });
    auto asks_too = bus.subscribe([](const third&, const tidings::context& c) { static_cast<void>(c.time()); });
    inside.reset();
    CHECK(reads_of([&] { bus.publish(third{}); }) == 1);
}
#endif

TEST_CASE("an event's time lies within its publish, and differs from the next one's") {
    using clock = std::chrono::system_clock;
    tidings::bus bus;
    std::vector<clock::time_point> times;
    auto looks = bus.subscribe([&](const first&, const tidings::context& c) { times.push_back(c.time()); });
    for (int n = 0; n != 2; ++n) {
        const auto before = clock::now();
        bus.publish(first{});
        const auto after = clock::now();
        REQUIRE(times.size() == static_cast<std::size_t>(n) + 1);
        CHECK(before <= times.back());
        CHECK(times.back() <= after);
        while (clock::now() == after) {}
    }
    CHECK(times[0] < times[1]);
}
