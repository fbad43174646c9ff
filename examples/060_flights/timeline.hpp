// Flights, put into the order in which the world would have seen them.
#pragma once

#include "decode.hpp"
#include "events.hpp"

#include <algorithm>
#include <chrono>
#include <variant>
#include <vector>

namespace flights {

using movement = std::variant<departed, arrived>;

inline minute time_of(const movement& m) {
    return std::visit([](const auto& event) { return event.time; }, m);
}

// The data says when a flight was to leave, and how late it was. When it arrives is our estimate: 450 miles an hour,
// and half an hour on the ground.
inline void add(std::vector<movement>& to, const flight& f) {
    const minute leaves = f.scheduled + std::chrono::minutes{f.delay};
    const minute lands = leaves + std::chrono::minutes{30 + f.distance * 60 / 450};
    to.emplace_back(departed{.airport = f.origin, .to = f.destination, .time = leaves, .delay = f.delay});
    to.emplace_back(arrived{.airport = f.destination, .from = f.origin, .time = lands});
}

inline void put_in_order(std::vector<movement>& all) { std::ranges::stable_sort(all, {}, time_of); }

}  // namespace flights
