/// When something was written, and by whom.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>

namespace tidings {

/// A total order of writes: by time, and by writer where the times are equal. A writer uses no stamp for two values.
struct write_stamp {
    std::chrono::system_clock::time_point time{};
    std::uint64_t writer = 0;

    friend auto operator<=>(const write_stamp&, const write_stamp&) = default;
};

}  // namespace tidings
