/// Runs a body under many schedules, and one again.
///
///     TEST_CASE("no handler runs after reset()") {
///         REQUIRE(simulation::explore(1, 100'000, [](simulation::scheduler& run) {
///             bus bus;
///             bool alive = true;
///             auto handler = [&](const ping&) { simulation::require(alive, "it runs after reset()"); };
///             subscription subscribed = bus.subscribe(handler);
///             run.spawn("publisher", [&] { bus.publish(ping{}); });
///             run.spawn("owner", [&] {
///                 subscribed.reset();
///                 alive = false;
///             });
///             run.join_all();
///         }));
///     }
///
/// The body is a thread of the run like those it starts; what it makes on its stack is made anew for each schedule.
/// In threads of a run, checks are simulation::require(): a test framework's would throw, and say less.
#pragma once

#include "simulation/crash_note.hpp"
#include "simulation/options.hpp"
#include "simulation/outcome.hpp"
#include "simulation/require.hpp"
#include "simulation/scheduler.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <ostream>
#include <stdexcept>
#include <string>
#include <utility>

namespace tidings::simulation {

/// Runs `body` under the schedule that `chosen` decides. The same options and body give the same outcome.
inline outcome run(const options& chosen, const scheduler::body& body) {
    const crash_note note;
    scheduler one{chosen};
    crash_note::about(one.chosen());
    return one.run(body);
}

struct failure {
    options how;
    outcome what;
    /// Whether the same schedule gave the same steps at once again. If not, something else has its part in it: a
    /// clock, an address, or static state that earlier runs left (see process_wide()).
    bool repeats = false;
};

/// True and brief if every schedule completed; otherwise its text has all that is needed to see the failure again.
struct exploration {
    std::uint64_t schedules = 0;
    std::uint64_t steps = 0;
    std::optional<failure> first;

    bool clean() const noexcept { return !first.has_value(); }
    explicit operator bool() const noexcept { return clean(); }

    friend std::ostream& operator<<(std::ostream& out, const exploration& e) {
        if (e.clean()) return out << e.schedules << " schedules completed, " << e.steps << " steps";
        out << "schedule " << e.schedules << " of the exploration " << e.first->what
            << "\n  to see it again: the environment variable TIDINGS_REPLAY=" << replay_token(e.first->how)
            << ", or simulation::run(" << e.first->how << ", body)";
        if (!e.first->repeats)
            out << "\n  but it did not repeat just now: what earlier runs left behind matters, or real time, or an"
                   " address.\n  Explore from the first seed again, in a new process.";
        return out;
    }
};

/// Runs `body` under the schedules of `count` seeds from `first_seed`, up to the first that does not complete.
/// With strategy::alternate odd seeds are PCT's, even ones uniform; PCT's estimate of the steps follows the mean of
/// the runs before.
///
/// A schedule that does not complete is run twice, to see whether it repeats.
///
/// The environment variable TIDINGS_REPLAY has it run the one schedule that the variable names, and tell its last
/// thousand steps.
inline exploration explore(std::uint64_t first_seed, std::uint64_t count, const options& chosen,
                           const scheduler::body& body) {
    const crash_note note;
    exploration result;
    const auto explored = [&](const options& how) {
        scheduler one{how};
        crash_note::about(one.chosen());
        outcome what = one.run(body);
        ++result.schedules;
        result.steps += what.steps;
        if (what.completed()) return true;
        scheduler second{one.chosen()};
        const outcome again = second.run(body);
        const bool repeats = again.verdict == what.verdict && again.trace == what.trace;
        result.first = failure{one.chosen(), std::move(what), repeats};
        return false;
    };

    // NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread
    if (const char* const token = std::getenv("TIDINGS_REPLAY"); token != nullptr) {
        std::optional<options> how = parse_replay_token(token, chosen);
        if (!how) throw std::invalid_argument{std::string{"TIDINGS_REPLAY is no schedule: "} + token};
        how->told_steps = std::max(how->told_steps, 1'000U);
        explored(*how);
        return result;
    }
    for (std::uint64_t i = 0; i != count; ++i) {
        options how = chosen;
        how.seed = first_seed + i;
        if (how.expected_steps == 0 && i != 0) how.expected_steps = 1 + result.steps / i;
        if (!explored(how)) break;
    }
    return result;
}

inline exploration explore(std::uint64_t first_seed, std::uint64_t count, const scheduler::body& body) {
    return explore(first_seed, count, options{}, body);
}

}  // namespace tidings::simulation
