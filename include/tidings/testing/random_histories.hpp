/// How many operations at random a contract suite tries.
#pragma once

#include <cstdint>

namespace tidings::testing {

struct random_histories {
    std::uint64_t seed = 1;     ///< of the first one; those behind have the next ones
    std::uint64_t count = 200;  ///< 1, with the seed of a broken_promise, to see that one again
    unsigned steps = 300;       ///< in each
};

}  // namespace tidings::testing
