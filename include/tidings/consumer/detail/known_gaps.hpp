/// The gaps that are remembered.
#pragma once

#include <tidings/consumer/sequence_gap.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace tidings::resequencer_detail {

/// The last ones, in the order of their numbers; of what is before them nothing is known.
class known_gaps {
public:
    /// Throws std::bad_alloc.
    explicit known_gaps(std::size_t most) : ring_(std::max<std::size_t>(most, 1)) {}

    void know_nothing_before(std::uint64_t sequence) noexcept { known_from_ = sequence; }

    void add(const sequence_gap& next) noexcept {
        sequence_gap& place = ring_[added_ % ring_.size()];
        if (added_ >= ring_.size()) known_from_ = place.last_missing + 1;
        place = next;
        ++added_;
    }

    bool known(std::uint64_t sequence) const noexcept { return sequence >= known_from_; }

    /// O(log n).
    bool contains(std::uint64_t sequence) const noexcept {
        std::size_t low = 0;
        std::size_t high = std::min(added_, ring_.size());
        const std::size_t oldest = added_ - high;
        while (low != high) {
            const std::size_t middle = low + (high - low) / 2;
            const sequence_gap& gap = ring_[(oldest + middle) % ring_.size()];
            if (sequence < gap.first_missing) high = middle;
            else if (sequence > gap.last_missing) low = middle + 1;
            else return true;
        }
        return false;
    }

private:
    std::vector<sequence_gap> ring_;
    std::size_t added_ = 0;
    std::uint64_t known_from_ = 0;
};

}  // namespace tidings::resequencer_detail
