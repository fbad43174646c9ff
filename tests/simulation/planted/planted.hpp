/// Which of the bugs in CMakeLists.txt is on: what the environment variable TIDINGS_PLANTED names.
#pragma once

#include "simulation/sync.hpp"

#include <cstdlib>
#include <string_view>

namespace tidings::simulation {

inline bool planted(std::string_view bug) noexcept {
    static const char* const named = std::getenv("TIDINGS_PLANTED");  // NOLINT(concurrency-mt-unsafe): nobody sets it
    return named != nullptr && bug == named;
}

}  // namespace tidings::simulation
