/// A value, and which version of it that is.
#pragma once

#include <memory>

namespace tidings {

/// What one write left of a key.
template <class V, class Version>
struct versioned_value {
    Version version{};
    std::shared_ptr<const V> value{};  ///< null: the write was a removal
};

}  // namespace tidings
