/// What a contract suite has found.
#pragma once

#include <cstdint>
#include <string>

namespace tidings::testing {

/// A promise, and how it was seen to be broken.
struct broken_promise {
    std::string promise;     ///< "a late ack() is refused"; the same text each time
    std::string seen;        ///< what happened instead
    std::uint64_t seed = 0;  ///< of the random history in which it did; 0: in none
};

}  // namespace tidings::testing
