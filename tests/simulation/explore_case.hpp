/// Exploring in a test case.
#pragma once

#include "simulation/explore.hpp"
#include "support/catch.hpp"

/// Runs the scenario, which may have commas in it, under `count` schedules; each has to be clean.
#define EXPLORE(count, ...)                                                                                    \
    do {                                                                                                       \
        const tidings::simulation::exploration explored = tidings::simulation::explore(1, count, __VA_ARGS__); \
        INFO(explored);                                                                                        \
        CHECK(explored.clean());                                                                               \
        if (explored.clean()) CHECK(explored.schedules == (count));                                            \
    } while (false)
