/// How a run ended.
#pragma once

#include <chrono>
#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>

namespace tidings::simulation {

enum class verdict : std::uint8_t {
    completed,   ///< every thread ended
    failed,      ///< a check, the use of a primitive or an escaped exception
    deadlocked,  ///< threads live, none can run, and none waits for a time
    too_long,    ///< options::max_steps
};

constexpr std::string_view text(verdict v) noexcept {
    switch (v) {
        case verdict::completed:
            return "completed";
        case verdict::failed:
            return "failed";
        case verdict::deadlocked:
            return "deadlocked";
        case verdict::too_long:
            return "too long";
    }
    return "?";
}

struct outcome {
    simulation::verdict verdict = simulation::verdict::completed;
    std::string account;                 ///< what failed, or who waits for what, and the last steps; empty if completed
    std::uint64_t steps = 0;             ///< preemption points passed
    std::uint64_t trace = 0;             ///< hash over every step: thread and operation, in order
    std::chrono::nanoseconds elapsed{};  ///< of virtual time

    bool completed() const noexcept { return verdict == simulation::verdict::completed; }
};

inline std::ostream& operator<<(std::ostream& out, verdict v) { return out << text(v); }

inline std::ostream& operator<<(std::ostream& out, const outcome& o) {
    out << o.verdict << " after " << o.steps << " steps";
    if (!o.account.empty()) out << ": " << o.account;
    return out;
}

}  // namespace tidings::simulation
