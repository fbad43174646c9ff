/// The event that is published, and the handler that every subject calls with it.
#pragma once

#include <cstdint>

struct tick {
    std::uint64_t amount = 1;
};

struct add_to {
    std::uint64_t* counter;
    void operator()(const tick& e) const { *counter += e.amount; }
};
