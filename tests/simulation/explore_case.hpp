/// Exploring in a test case.
#pragma once

#include "simulation/explore.hpp"
#include "support/catch.hpp"

#include <tidings/base/config.hpp>

#include <cstdint>

namespace tidings::simulation {

/// How many schedules a scenario is run under that gets `most` where they are fast: builds that are slower look at the
/// same, less often.
constexpr std::uint64_t schedules_of(std::uint64_t most) noexcept {
#if !defined(__OPTIMIZE__)
    most /= 5;
#endif
    return TIDINGS_HAS_ASAN ? most / 4 : most;
}

}  // namespace tidings::simulation

/// Runs the scenario, which may have commas in it, under `count` schedules; each has to be clean.
#define EXPLORE(count, ...)                                                                                    \
    do {                                                                                                       \
        const tidings::simulation::exploration explored = tidings::simulation::explore(1, count, __VA_ARGS__); \
        INFO(explored);                                                                                        \
        CHECK(explored.clean());                                                                               \
        if (explored.clean()) CHECK(explored.schedules == (count));                                            \
    } while (false)
