/// Everything that decides a schedule: a run is a function of its options and its body.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <ostream>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>

namespace tidings::simulation {

enum class strategy : std::uint8_t {
    alternate,    ///< pct for odd seeds, uniform for even ones
    uniform,      ///< any thread that can run, at every preemption point
    pct,          ///< the thread of highest random priority, lowered at depth - 1 random steps
    cooperative,  ///< only a thread that blocks, yields or ends gives way: the control, which finds nothing
};

struct options {
    simulation::strategy strategy = simulation::strategy::alternate;
    std::uint64_t seed = 1;
    /// PCT finds a bug of this depth (the number of orderings that it takes) or less, among n threads and k steps,
    /// with a probability of at least 1 / (n * k^(depth - 1)) per schedule.
    std::uint32_t depth = 3;
    /// PCT's k. 0: what the exploration has measured so far, or 64 in a single run.
    std::uint64_t expected_steps = 0;
    /// A run that takes more is too_long. The last resort against threads that spin for what never comes.
    std::uint64_t max_steps = 20'000;

    // One in so many; 0 is never. On in every other schedule, as drawn from the seed: an early wake-up finds bugs,
    // and hides a wake-up that is lost.
    std::uint32_t spurious_wakeups = 16;  ///< steps wake a condition variable's waiter for nothing
    std::uint32_t weak_failures = 8;      ///< compare_exchange_weak() fail for nothing

    /// One in so many steps moves the clock to the next deadline although threads can run; 0 is never: time then
    /// moves only when nobody can. Every clock may do this, but bodies that sleep "until all is quiet" break.
    std::uint32_t early_timeouts = 0;

    /// How many of its last steps the account of a failure tells. Decides nothing.
    std::uint32_t told_steps = 64;
};

constexpr std::string_view text(strategy s) noexcept {
    switch (s) {
        case strategy::alternate:
            return "alternate";
        case strategy::uniform:
            return "uniform";
        case strategy::pct:
            return "pct";
        case strategy::cooperative:
            return "cooperative";
    }
    return "?";
}

/// What the seed and the exploration decide, as TIDINGS_REPLAY takes it: `pct:17:3:83`.
inline std::string replay_token(const options& o) {
    std::ostringstream out;
    out << text(o.strategy) << ':' << o.seed << ':' << o.depth << ':' << o.expected_steps;
    return out.str();
}

/// `base` with what a token says, or nothing for a token that is none.
inline std::optional<options> parse_replay_token(std::string_view token, options base) {
    const std::size_t colon = token.find(':');
    const std::string_view name = token.substr(0, colon);
    if (colon == std::string_view::npos) return std::nullopt;
    if (name == text(strategy::uniform)) base.strategy = strategy::uniform;
    else if (name == text(strategy::pct)) base.strategy = strategy::pct;
    else if (name == text(strategy::cooperative)) base.strategy = strategy::cooperative;
    else return std::nullopt;
    const char* at = token.data() + colon;
    const char* const end = token.data() + token.size();
    const auto number = [&](auto& into) {
        if (at == end || *at != ':') return false;
        const auto [rest, error] = std::from_chars(at + 1, end, into);
        at = rest;
        return error == std::errc{};
    };
    if (!number(base.seed) || !number(base.depth) || !number(base.expected_steps) || at != end) return std::nullopt;
    return base;
}

/// What decides the schedule, as C++ that can be pasted into run().
inline std::ostream& operator<<(std::ostream& out, const options& o) {
    const options defaults;
    out << "{.strategy = strategy::" << text(o.strategy) << ", .seed = " << o.seed << ", .depth = " << o.depth
        << ", .expected_steps = " << o.expected_steps;
    if (o.max_steps != defaults.max_steps) out << ", .max_steps = " << o.max_steps;
    if (o.spurious_wakeups != defaults.spurious_wakeups) out << ", .spurious_wakeups = " << o.spurious_wakeups;
    if (o.weak_failures != defaults.weak_failures) out << ", .weak_failures = " << o.weak_failures;
    if (o.early_timeouts != defaults.early_timeouts) out << ", .early_timeouts = " << o.early_timeouts;
    return out << '}';
}

}  // namespace tidings::simulation
