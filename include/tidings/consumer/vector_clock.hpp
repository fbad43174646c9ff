/// Which writes of which writers somebody has seen.
#pragma once

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace tidings {

/// For each writer, how many of its writes are known. Of two versions that carry one, `a < b` says that whoever wrote
/// b had seen a, and `unordered` that neither had seen the other: they are concurrent. A value, and the order is a
/// partial one: merge() is the least upper bound of both, so it is commutative, associative and idempotent.
///
/// Not thread-safe, as any value. Memory and comparisons are linear in the writers, of which there are
/// `most_writers` at most. What allocates may throw std::bad_alloc, and then nothing has changed.
/// C. J. Fidge, "Timestamps in message-passing systems that preserve the partial ordering", 1988; F. Mattern, "Virtual
/// time and global states of distributed systems", 1989.
class vector_clock {
public:
    static constexpr std::size_t most_writers = 64;

    struct entry {
        std::uint64_t writer = 0;
        std::uint64_t count = 0;

        friend auto operator<=>(const entry&, const entry&) = default;  // NOLINT(modernize-use-nullptr)
    };

    /// How many writes of `writer` are known; 0 for one that never wrote.
    std::uint64_t of(std::uint64_t writer) const noexcept {
        const auto at = std::lower_bound(entries_.begin(), entries_.end(), writer, by_writer);
        return at != entries_.end() && at->writer == writer ? at->count : 0;
    }

    /// One more write of `writer`. False, and nothing has changed: there are `most_writers` others, or it has written
    /// as often as can be counted.
    [[nodiscard]] bool increment(std::uint64_t writer) {
        const std::uint64_t known = of(writer);
        return known != std::numeric_limits<std::uint64_t>::max() && raise(writer, known + 1);
    }

    /// At least `count` writes of `writer` are known, as when a clock is read from a message. False, and nothing has
    /// changed: there are `most_writers` others.
    [[nodiscard]] bool raise(std::uint64_t writer, std::uint64_t count) {
        const auto at = std::lower_bound(entries_.begin(), entries_.end(), writer, by_writer);
        if (at != entries_.end() && at->writer == writer) {
            at->count = std::max(at->count, count);
        } else if (count != 0) {
            if (entries_.size() == most_writers) return false;
            entries_.insert(at, entry{writer, count});
        }
        return true;
    }

    /// All that either has seen. False, and nothing has changed: together they have more than `most_writers`.
    [[nodiscard]] bool merge(const vector_clock& other) {
        vector_clock both = *this;
        for (const entry& each : other.entries_)
            if (!both.raise(each.writer, each.count)) return false;
        entries_.swap(both.entries_);
        return true;
    }

    /// Of those who wrote, by writer.
    std::span<const entry> entries() const noexcept { return entries_; }

    friend bool operator==(const vector_clock&, const vector_clock&) = default;

    friend std::partial_ordering operator<=>(const vector_clock& a, const vector_clock& b) noexcept {
        const bool below = a.seen_by(b);
        const bool above = b.seen_by(a);
        if (below && above) return std::partial_ordering::equivalent;
        if (below) return std::partial_ordering::less;
        return above ? std::partial_ordering::greater : std::partial_ordering::unordered;
    }

private:
    static bool by_writer(const entry& e, std::uint64_t writer) noexcept { return e.writer < writer; }

    bool seen_by(const vector_clock& other) const noexcept {
        auto theirs = other.entries_.begin();
        for (const entry& mine : entries_) {
            while (theirs != other.entries_.end() && theirs->writer < mine.writer) ++theirs;
            if (theirs == other.entries_.end() || theirs->writer != mine.writer || theirs->count < mine.count)
                return false;
        }
        return true;
    }

    std::vector<entry> entries_;  // by writer, each once, no count of 0
};

}  // namespace tidings
