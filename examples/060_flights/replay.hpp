// Where events come from: lines of a file, and then the order in which the world would have seen them.
#pragma once

#include "timeline.hpp"

#include <tidings/tidings.hpp>

#include <cstddef>
#include <istream>
#include <vector>

namespace flights {

// Publishes line_rejected for each line that is no flight. Counts the lines.
std::vector<movement> read(std::istream& in, tidings::bus& bus, std::size_t& lines);

// Publishes everything in order, and how much of it is done: `speed_up` times as fast as life; 0: without waiting.
void replay(const std::vector<movement>& all, tidings::bus& bus, unsigned speed_up);

}  // namespace flights
