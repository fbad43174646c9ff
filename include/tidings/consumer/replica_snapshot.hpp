/// All that a replica knows, for another one to begin with.
#pragma once

#include <tidings/consumer/versioned_value.hpp>

#include <vector>

namespace tidings {

/// A plain value, to be handed over or written in a format of your own. It carries versions and tombstones, so that
/// whoever loads it knows of every update whether it is in it.
template <class K, class V, class Version>
struct replica_snapshot {
    struct entry {
        K key;
        std::vector<versioned_value<V, Version>> siblings;  ///< one, unless some are concurrent
        std::vector<versioned_value<V, Version>> held;      ///< these wait for earlier versions
    };
    std::vector<entry> entries;
};

}  // namespace tidings
