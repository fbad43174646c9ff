/// What a replica holds, and what became of the updates.
#pragma once

#include <cstdint>

namespace tidings {

/// Each update that was offered is in exactly one of applied, merged, conflicts, duplicates, stale, gaps, full,
/// discarded and held; always, not only at rest. One whose apply() threw was not offered.
struct replica_stats {
    std::uint64_t offered = 0;  ///< by apply(), remove(), and for each version in a snapshot by load()

    std::uint64_t applied = 0;
    std::uint64_t merged = 0;
    std::uint64_t conflicts = 0;
    std::uint64_t duplicates = 0;
    std::uint64_t stale = 0;      ///< also those that were held until a snapshot brought later ones
    std::uint64_t gaps = 0;       ///< were not held, for want of room
    std::uint64_t full = 0;       ///< were not kept, for want of room
    std::uint64_t discarded = 0;  ///< were held when the tombstone of their key was forgotten

    std::uint64_t held = 0;        ///< wait for earlier versions now
    std::uint64_t values = 0;      ///< keys that have a value now
    std::uint64_t tombstones = 0;  ///< keys of which it is known now that they were removed

    std::uint64_t forgotten = 0;  ///< tombstones that were too many, or too old
    std::uint64_t told = 0;       ///< calls of the change handler
    std::uint64_t failed = 0;     ///< of these, the ones that threw

    constexpr std::uint64_t accounted() const noexcept {
        return applied + merged + conflicts + duplicates + stale + gaps + full + discarded + held;
    }

    friend bool operator==(const replica_stats&, const replica_stats&) = default;
};

}  // namespace tidings
