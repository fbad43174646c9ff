/// What of a replica is bounded, and what is counted.
#pragma once

#include <tidings/consumer/apply_result.hpp>
#include <tidings/consumer/replica_stats.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>

namespace tidings::replica_detail {

/// What is to be put in the place of `expected`.
template <class Record>
struct change {
    std::shared_ptr<const Record> expected{};  // null: a new entry
    std::shared_ptr<const Record> next{};
    apply_result result = apply_result::applied;
    std::size_t superseded = 0;  // of those that are held
    bool was_held = false;       // and was counted as offered then
};

/// Guarded by the index's lock.
class replica_account {
public:
    replica_account(std::size_t capacity, std::size_t held) noexcept : capacity_{capacity}, held_{held} {}

    /// Whether there is room for the change, and if not, why, in `c`. Counts it in either case.
    template <class Record>
    bool admit(change<Record>& c) noexcept {
        const bool brings_value = has_value(c.next) && !has_value(c.expected);
        if (brings_value && stats_.values >= capacity_) return refuse(c, apply_result::full);
        if (c.result == apply_result::held && stats_.held >= held_) return refuse(c, apply_result::gap);
        if (brings_value) ++stats_.values;
        if (!has_value(c.next) && has_value(c.expected)) --stats_.values;
        if (c.was_held) {
            --stats_.held;
            ++stats_.applied;
        } else {
            add(c.result);
        }
        stats_.held -= c.superseded;
        stats_.stale += c.superseded;
        return true;
    }

    void add(apply_result result) noexcept {
        ++stats_.offered;
        ++of(result);
    }

    void discarded(std::size_t held) noexcept {
        stats_.held -= held;
        stats_.discarded += held;
    }
    void forgotten() noexcept { ++stats_.forgotten; }
    void told() noexcept { ++stats_.told; }
    void failed() noexcept { ++stats_.failed; }

    const replica_stats& stats() const noexcept { return stats_; }

private:
    template <class Record>
    static bool has_value(const std::shared_ptr<const Record>& r) noexcept {
        return r != nullptr && r->value != nullptr;
    }

    template <class Record>
    bool refuse(change<Record>& c, apply_result why) noexcept {
        if (!c.was_held) add(why);  // what was held still is
        c.result = why;
        return false;
    }

    std::uint64_t& of(apply_result result) noexcept {
        switch (result) {
            case apply_result::applied:
                return stats_.applied;
            case apply_result::merged:
                return stats_.merged;
            case apply_result::conflict:
                return stats_.conflicts;
            case apply_result::duplicate:
                return stats_.duplicates;
            case apply_result::stale:
                return stats_.stale;
            case apply_result::held:
                return stats_.held;
            case apply_result::gap:
                return stats_.gaps;
            case apply_result::full:
                break;
        }
        return stats_.full;
    }

    const std::size_t capacity_;
    const std::size_t held_;
    replica_stats stats_;
};

}  // namespace tidings::replica_detail
