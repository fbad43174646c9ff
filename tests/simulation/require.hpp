/// Checks, for the bodies of runs and for the primitives.
#pragma once

#include "simulation/scheduler.hpp"

#include <string>
#include <string_view>

namespace tidings::simulation {

/// Ends the run as failed unless `holds`.
inline void require(bool holds, std::string_view text, const char* file = __builtin_FILE(),
                    int line = __builtin_LINE()) {
    if (holds) return;
    scheduler* const running = scheduler::current();
    std::string message = std::string{text} + " (" + file + ':' + std::to_string(line) + ')';
    if (running == nullptr) fatal(message);
    running->fail(message);
}

/// For the primitives: ends the run as failed, or the process where none runs.
[[noreturn]] inline void misuse(std::string_view text) {
    if (scheduler* const running = scheduler::current()) running->fail(text);
    fatal(text);
}

}  // namespace tidings::simulation
