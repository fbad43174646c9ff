#include "simulation/explore.hpp"
#include "simulation/sync.hpp"
#include "support/catch.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <functional>
#include <mutex>
#include <sstream>
#include <stdexcept>
#include <string>

namespace {

using namespace tidings;
using Catch::Contains;
using simulation::exploration;
using simulation::explore;
using simulation::options;
using simulation::outcome;
using simulation::require;
using simulation::scheduler;
using simulation::strategy;

/// Fails in about every tenth schedule.
void opposite_locks(scheduler& run) {
    base::mutex left;
    base::mutex right;
    run.spawn("left first", [&] {
        std::lock_guard outer{left};
        std::lock_guard inner{right};
    });
    run.spawn("right first", [&] {
        std::lock_guard outer{right};
        std::lock_guard inner{left};
    });
    run.join_all();
}

std::string text(const exploration& e) {
    std::ostringstream out;
    out << e;
    return out.str();
}

TEST_CASE("an exploration alternates the strategies and stops at the first failure", "[simulation]") {
    const exploration found = explore(100, 1'000, opposite_locks);
    REQUIRE_FALSE(found);
    const options& how = found.first->how;
    CHECK(how.seed == 99 + found.schedules);
    CHECK(how.strategy == (how.seed % 2 == 1 ? strategy::pct : strategy::uniform));
    CHECK(how.expected_steps != 0);
    CHECK(found.first->repeats);
    CHECK_THAT(text(found), !Contains("did not repeat"));
    CHECK_THAT(text(found), Contains("deadlocked after") && Contains("circle: 'left first' -> 'right first'") &&
                                Contains("TIDINGS_REPLAY=" + simulation::replay_token(how)) &&
                                Contains(".seed = " + std::to_string(how.seed)));
}

TEST_CASE("an exploration says when a failure depends on more than its seed", "[simulation]") {
    int runs = 0;
    const exploration found = explore(1, 10, [&](scheduler&) {
        ++runs;
        for (int i = 0; i != runs; ++i) base::preemption_point();
        require(runs < 3, "the third and the later ones fail");
    });
    REQUIRE_FALSE(found);
    CHECK(found.schedules == 3);
    CHECK_FALSE(found.first->repeats);
    CHECK_THAT(text(found), Contains("it did not repeat just now"));
}

TEST_CASE("a clean exploration counts", "[simulation]") {
    const exploration clean = explore(1, 10, [](scheduler&) { base::preemption_point(); });
    CHECK(clean);
    CHECK(text(clean) == "10 schedules completed, 10 steps");
}

TEST_CASE("the environment names one schedule", "[simulation]") {
    const exploration found = explore(1, 1'000, opposite_locks);
    REQUIRE_FALSE(found);
    // NOLINTBEGIN(concurrency-mt-unsafe): there is one thread
    REQUIRE(::setenv("TIDINGS_REPLAY", simulation::replay_token(found.first->how).c_str(), 1) == 0);
    const exploration again = explore(1, 1'000, opposite_locks);
    REQUIRE(::setenv("TIDINGS_REPLAY", "nonsense", 1) == 0);
    CHECK_THROWS_AS(explore(1, 1'000, opposite_locks), std::invalid_argument);
    REQUIRE(::unsetenv("TIDINGS_REPLAY") == 0);
    // NOLINTEND(concurrency-mt-unsafe)

    CHECK(again.schedules == 1);
    REQUIRE_FALSE(again);
    CHECK(again.first->what.trace == found.first->what.trace);
    CHECK(again.first->what.account == found.first->what.account);
}

TEST_CASE("a token names a schedule", "[simulation]") {
    const options how{.strategy = strategy::pct, .seed = 17, .depth = 4, .expected_steps = 83};
    CHECK(simulation::replay_token(how) == "pct:17:4:83");
    const auto parsed = simulation::parse_replay_token("pct:17:4:83", {.max_steps = 5});
    REQUIRE(parsed);
    CHECK(simulation::replay_token(*parsed) == "pct:17:4:83");
    CHECK(parsed->max_steps == 5);
    for (const char* wrong : {"", "pct", "pct:", "pct:1", "pct:1:2", "pct:1:2:3:4", "best:1:2:3", "pct:1:2:x",
                              "pct:-1:2:3", "uniform:1:2:3 ", "alternate:1:2:3"})
        CHECK_FALSE(simulation::parse_replay_token(wrong, {}));
}

TEST_CASE("an account tells as many steps as it is asked for", "[simulation]") {
    const auto told = [](std::uint32_t steps) {
        const outcome o = simulation::run({.told_steps = steps}, [](scheduler&) {
            for (int i = 0; i != 10; ++i) base::preemption_point();
            require(false, "for its account");
        });
        const std::string all = o.account.substr(o.account.find("the last steps:"));
        return std::count(all.begin(), all.end(), ',') + 1;
    };
    CHECK(told(0) == 1);
    CHECK(told(4) == 4);
    CHECK(told(64) == 11);
}

/// What another process that explores `body` writes to its error output.
std::string last_words(const scheduler::body& body) {
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    const ::pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        ::dup2(ends[1], STDERR_FILENO);
        ::dup2(::open("/dev/null", O_WRONLY), STDOUT_FILENO);
        static_cast<void>(explore(7, 2, body));
        ::_exit(0);
    }
    ::close(ends[1]);
    std::string words;
    std::array<char, 1'024> part{};
    for (::ssize_t n = 0; (n = ::read(ends[0], part.data(), part.size())) > 0;)
        words.append(part.data(), static_cast<std::size_t>(n));
    ::close(ends[0]);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status != 0);
    return words;
}

/// Each call needs the frame of the one before it, so that no optimiser makes a loop of them.
int use_stack(const volatile char* outer, int calls) {
    volatile char frame[1'000];
    frame[0] = outer[0];
    return calls == 0 ? 0 : use_stack(frame, calls - 1) + outer[0] + frame[0];
}

TEST_CASE("a process that dies names its schedule", "[simulation]") {
    const auto named = Contains("died in the schedule TIDINGS_REPLAY=uniform:8:3:2\n");
    const auto in_second = [](auto die) {
        return [die, schedule = 0](scheduler& run) mutable {
            base::preemption_point();
            if (++schedule == 1) return;
            run.spawn("mortal", die);
            run.join_all();
        };
    };
    CHECK_THAT(last_words(in_second([] { std::abort(); })), named);
    CHECK_THAT(last_words(in_second([] { std::terminate(); })), named);
    CHECK_THAT(last_words(in_second([] { static_cast<void>(use_stack("x", 1'000)); })), named);
}

}  // namespace
