/// A message that was given up.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace tidings {

struct dead_message {
    using time_point = std::chrono::system_clock::time_point;

    /// The end of it before it was redriven.
    struct round {
        std::string error;
        unsigned attempts = 0;
        time_point died{};
    };

    std::uint64_t id = 0;   ///< in its queue; the same after a redrive
    std::string error;      ///< the last one: a reason given, a handler's exception, or what else ended it
    unsigned attempts = 0;  ///< since it was pushed, or redriven
    int priority = 0;
    time_point pushed{};
    time_point died{};
    std::vector<round> earlier;  ///< one for each redrive, the first one first
};

}  // namespace tidings
