// A bus that lives as long as the process, with subscribers and publishers in other files: they are made and destroyed
// in an order that nobody chose.
#pragma once

#include <tidings/tidings.hpp>

#include <atomic>

struct tick {
    int n = 0;
};

/// Made on first use, destroyed like any static object.
inline tidings::bus& world() {
    static tidings::bus bus;
    return bus;
}

inline std::atomic<int> heard{0};
