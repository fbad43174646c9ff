/// How much JSON is read, or written, of one event.
#pragma once

#include <cstddef>

namespace tidings {

struct json_limits {
    std::size_t bytes = std::size_t{1} << 20;
    std::size_t depth = 64;  ///< arrays and objects inside of each other
};

}  // namespace tidings
