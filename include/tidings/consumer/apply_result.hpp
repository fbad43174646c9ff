/// What became of an update.
#pragma once

#include <cstdint>

namespace tidings {

enum class apply_result : std::uint8_t {
    applied,    ///< it took the place of what it knew of
    merged,     ///< it became part of what is there, by the merge function
    conflict,   ///< it is kept beside what it did not know of
    duplicate,  ///< this version is there already
    stale,      ///< a later version is there already
    held,       ///< versions before it are missing: it is applied after them
    gap,        ///< the same, and there was no room to hold it: it is to be delivered again, or a snapshot loaded
    full,       ///< there was no room for a new key, or one more sibling
};

}  // namespace tidings
