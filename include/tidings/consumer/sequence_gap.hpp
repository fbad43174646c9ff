/// Numbers that were given up.
#pragma once

#include <cstdint>

namespace tidings {

struct sequence_gap {
    std::uint64_t first_missing = 0;
    std::uint64_t last_missing = 0;

    friend bool operator==(const sequence_gap&, const sequence_gap&) = default;
};

}  // namespace tidings
