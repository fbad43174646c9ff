// One line of text becomes a flight, or is refused with a reason.
#pragma once

#include "events.hpp"

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>

namespace flights {

// Lines come from outside: what one may cost is settled before it is parsed.
inline constexpr std::size_t longest_line = 4'096;

struct malformed : std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct flight {
    minute scheduled;
    int delay = 0;     // in minutes
    int distance = 0;  // in miles
    std::string origin;
    std::string destination;
};

// Of one line. Throws malformed.
flight decode(std::string_view text);

}  // namespace flights
