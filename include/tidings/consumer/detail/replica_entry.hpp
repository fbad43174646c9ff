/// One key of a replica.
#pragma once

#include <tidings/consumer/detail/replica_record.hpp>
#include <tidings/consumer/detail/tombstone_list.hpp>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace tidings::replica_detail {

/// Where an entry stands: by the hash of its key, and among those of the same hash by when it came. Keys are compared
/// by those who look for one, entry after entry, so that it is done with no lock held.
struct place {
    std::size_t hash = 0;
    std::uint64_t serial = 0;

    friend auto operator<=>(const place&, const place&) = default;  // NOLINT(modernize-use-nullptr)
};

template <class K, class V, class Version>
struct entry : tombstone {
    using record = replica_detail::record<V, Version>;

    entry(K&& k, std::size_t h) : key{std::move(k)}, at{.hash = h} {}

    const K key;

    // Guarded by the index's lock.
    place at;
    std::shared_ptr<const record> now{};
    std::shared_ptr<const V> told{};  // what the change handler was told last
    bool telling = false;             // somebody tells it of changes, and will look again
    bool gone = false;                // from the index
    bool doomed = false;              // to go from it when nobody tells of it any more: two would tell of one key
};

}  // namespace tidings::replica_detail
