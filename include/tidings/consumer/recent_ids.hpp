/// The ids of the last while, to know what comes twice.
#pragma once

#include <tidings/base/config.hpp>
#include <tidings/core/event_id.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <unordered_map>

namespace tidings {

struct deduplication {
    std::chrono::nanoseconds window{std::chrono::minutes{10}};  ///< how long an id is known
    std::size_t max_ids = 100'000;                              ///< the oldest give way sooner; 0 counts as 1
};

/// Not thread-safe. Amortised constant; the memory is that of `max_ids` at most, some 120 bytes each.
class recent_ids {
public:
    using time_point = std::chrono::steady_clock::time_point;

    explicit recent_ids(const deduplication& options) noexcept
        : window_{options.window}, most_{std::max<std::size_t>(options.max_ids, 1)} {}

    /// Whether the id is new; then it is known from now on. Throws std::bad_alloc, and then it is not.
    bool claim(const event_id& id, time_point now) {
        while (!line_.empty() && now - line_.front().since >= window_) forget_oldest();
        if (known_.contains(id)) return false;
        line_.push_back({id, now});
        TIDINGS_TRY { known_.emplace(id, std::prev(line_.end())); }
        TIDINGS_CATCH_ALL {
            line_.pop_back();
            TIDINGS_RETHROW;
        }
        if (line_.size() > most_) {
            ++early_;
            forget_oldest();
        }
        return true;
    }

    /// As if it had not been claimed.
    void release(const event_id& id) noexcept {
        const auto found = known_.find(id);
        if (found == known_.end()) return;
        line_.erase(found->second);
        known_.erase(found);
    }

    std::size_t size() const noexcept { return line_.size(); }

    /// How many were forgotten before their time, to make room.
    std::uint64_t forgotten_early() const noexcept { return early_; }

private:
    struct claim_made {
        event_id id;
        time_point since;
    };

    void forget_oldest() noexcept {
        known_.erase(line_.front().id);
        line_.pop_front();
    }

    std::chrono::nanoseconds window_;
    std::size_t most_;
    std::uint64_t early_ = 0;
    std::list<claim_made> line_;  // the oldest first
    std::unordered_map<event_id, std::list<claim_made>::iterator> known_;
};

}  // namespace tidings
