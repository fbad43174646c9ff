// A simulator that finds no bug proves nothing: each of these must be found, must replay, and must be gone from the
// twin. That the same bodies pass where preemption points do nothing shows that it is the simulator that finds them.

#include "simulation/explore.hpp"
#include "simulation/seeded_bugs/check_then_act.hpp"
#include "simulation/seeded_bugs/double_checked.hpp"
#include "simulation/seeded_bugs/early_timer.hpp"
#include "simulation/seeded_bugs/late_touch.hpp"
#include "simulation/seeded_bugs/lock_order.hpp"
#include "simulation/seeded_bugs/lost_stop.hpp"
#include "simulation/seeded_bugs/shared_condition.hpp"
#include "simulation/seeded_bugs/snapshot_unsubscribe.hpp"
#include "simulation/seeded_bugs/stack_reuse.hpp"
#include "simulation/seeded_bugs/strand_hand_off.hpp"
#include "simulation/seeded_bugs/unpublished_reset.hpp"
#include "support/catch.hpp"

#include <chrono>
#include <cstdint>
#include <iomanip>
#include <iostream>
#include <string>
#include <vector>

namespace {

using namespace tidings::simulation;
using seeded_bugs::version;

struct seeded_bug {
    const char* name;
    verdict expected;
    const char* says;  ///< in the account
    scheduler::body broken;
    scheduler::body fixed;
};

const std::vector<seeded_bug>& all_bugs() {
    using namespace seeded_bugs;
    static const std::vector<seeded_bug> bugs{
        {"snapshot unsubscribe", verdict::failed, "after unsubscribe returned", snapshot_unsubscribe<version::broken>,
         snapshot_unsubscribe<version::fixed>},
        {"lost stop", verdict::deadlocked, "waits for condition variable", lost_stop<version::broken>,
         lost_stop<version::fixed>},
        {"strand hand-off", verdict::failed, "a task is stranded", strand_hand_off<version::broken>,
         strand_hand_off<version::fixed>},
        {"shared condition", verdict::deadlocked, "waits for condition variable", shared_condition<version::broken>,
         shared_condition<version::fixed>},
        {"check then act", verdict::failed, "meets", check_then_act<version::broken>, check_then_act<version::fixed>},
        {"stack reuse", verdict::failed, "that somebody owns", stack_reuse<version::broken>,
         stack_reuse<version::fixed>},
        {"lock order", verdict::deadlocked, "circle: 'saver' -> 'spender' -> 'saver'", lock_order<version::broken>,
         lock_order<version::fixed>},
        {"double-checked", verdict::failed, "built twice", double_checked<version::broken>,
         double_checked<version::fixed>},
        {"early timer", verdict::failed, "rings early", early_timer<version::broken>, early_timer<version::fixed>},
        {"unpublished reset", verdict::failed, "after reset returned", unpublished_reset<version::broken>,
         unpublished_reset<version::fixed>},
        {"late touch", verdict::failed, "after its destruction", late_touch<version::broken>,
         late_touch<version::fixed>},
    };
    return bugs;
}

constexpr std::uint64_t enough = 20'000;

TEST_CASE("every seeded bug is found, and its seed replays", "[simulation]") {
    for (const seeded_bug& bug : all_bugs()) {
        DYNAMIC_SECTION(bug.name) {
            const exploration found = explore(1, enough, bug.broken);
            REQUIRE_FALSE(found.clean());
            CHECK(found.first->what.verdict == bug.expected);
            CHECK_THAT(found.first->what.account, Catch::Contains(bug.says));

            int reproduced = 0;
            for (int i = 0; i != 100; ++i) {
                const outcome again = run(found.first->how, bug.broken);
                reproduced += again.verdict == found.first->what.verdict && again.trace == found.first->what.trace &&
                              again.steps == found.first->what.steps && again.account == found.first->what.account;
            }
            CHECK(reproduced == 100);
        }
    }
}

TEST_CASE("both strategies find every seeded bug", "[simulation]") {
    for (const seeded_bug& bug : all_bugs()) {
        for (const strategy each : {strategy::uniform, strategy::pct}) {
            DYNAMIC_SECTION(bug.name << ", " << text(each)) {
                CHECK_FALSE(explore(1, enough, {.strategy = each}, bug.broken));
            }
        }
    }
}

TEST_CASE("the twin of every seeded bug survives the exploration that finds it", "[simulation]") {
    for (const seeded_bug& bug : all_bugs()) {
        DYNAMIC_SECTION(bug.name) {
            const exploration twin = explore(1, enough, bug.fixed);
            CHECK(twin);
            CHECK(twin.schedules == enough);
        }
    }
}

TEST_CASE("a simulator whose preemption points do nothing finds none of the seeded bugs", "[simulation]") {
    for (const seeded_bug& bug : all_bugs()) {
        DYNAMIC_SECTION(bug.name) { CHECK(explore(1, 100, {.strategy = strategy::cooperative}, bug.broken)); }
    }
}

TEST_CASE("how soon each seeded bug is found, and how fast schedules run", "[.rates]") {
    using clock = std::chrono::steady_clock;
    std::cout << std::left << std::setw(24) << "bug" << std::setw(10) << "strategy" << std::right << std::setw(12)
              << "first seed" << std::setw(12) << "share found" << std::setw(12) << "steps" << std::setw(14)
              << "schedules/s" << '\n';
    for (const seeded_bug& bug : all_bugs()) {
        for (const strategy each : {strategy::uniform, strategy::pct}) {
            constexpr std::uint64_t sample = 2'000;
            const exploration first = explore(1, enough, {.strategy = each}, bug.broken);
            const auto typical = explore(1, 100, {.strategy = each}, bug.fixed);
            std::uint64_t found = 0;
            for (std::uint64_t seed = 1; seed <= sample; ++seed) {
                const options how{.strategy = each, .seed = seed, .expected_steps = typical.steps / typical.schedules};
                found += !run(how, bug.broken).completed();
            }
            const auto start = clock::now();
            const exploration twin = explore(1, enough, {.strategy = each}, bug.fixed);
            const double seconds = std::chrono::duration<double>(clock::now() - start).count();
            std::cout << std::left << std::setw(24) << bug.name << std::setw(10) << text(each) << std::right
                      << std::setw(12) << (first.clean() ? "none" : std::to_string(first.first->how.seed))
                      << std::setw(12) << std::setprecision(4)
                      << static_cast<double>(found) / static_cast<double>(sample) << std::setw(12)
                      << static_cast<double>(twin.steps) / static_cast<double>(twin.schedules) << std::setw(14)
                      << std::fixed << std::setprecision(0) << static_cast<double>(twin.schedules) / seconds
                      << std::defaultfloat << '\n';
        }
    }
}

}  // namespace
