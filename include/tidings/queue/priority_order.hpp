/// Which message comes out first.
#pragma once

#include <cstdint>

namespace tidings {

/// Levels of priority, both ends included. What is beyond counts as the nearest of them.
inline constexpr int lowest_priority = -32;
inline constexpr int highest_priority = 31;

enum class priority_order : std::uint8_t {
    /// The highest priority there is. A lower one may wait for ever.
    strict,

    /// The same, but that every eighth receive takes what has been ready for longest. A message before which n others
    /// had become ready and are so still is taken by the (8n + 8)th receive at the latest, whatever its priority.
    fair,
};

/// Every how manieth receive of priority_order::fair does not look at priorities.
inline constexpr unsigned fair_share = 8;

}  // namespace tidings
