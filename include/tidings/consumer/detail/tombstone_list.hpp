/// Which keys were removed, the first of them first.
#pragma once

#include <chrono>
#include <cstddef>

namespace tidings::replica_detail {

using time_point = std::chrono::steady_clock::time_point;
using duration = std::chrono::steady_clock::duration;

/// `now` and `wait` added, and the furthest time there is where that is beyond it.
constexpr time_point later(time_point now, duration wait) noexcept {
    if (wait > duration::zero() && now.time_since_epoch() > duration::max() - wait) return time_point::max();
    if (wait < duration::zero() && now.time_since_epoch() < duration::min() - wait) return time_point::min();
    return now + wait;
}

/// What may stand in a list of tombstones. Guarded by the lock of the list.
struct tombstone {
    tombstone* older = nullptr;
    tombstone* newer = nullptr;
    time_point removed{};
    bool listed = false;
};

/// A list through its members, which others own.
class tombstone_list {
public:
    std::size_t size() const noexcept { return size_; }
    tombstone* oldest() const noexcept { return oldest_; }

    void push(tombstone& t, time_point now) noexcept {
        t.removed = now;
        t.listed = true;
        t.older = newest_;
        t.newer = nullptr;
        (newest_ != nullptr ? newest_->newer : oldest_) = &t;
        newest_ = &t;
        ++size_;
    }

    void remove(tombstone& t) noexcept {
        if (!t.listed) return;
        t.listed = false;
        (t.older != nullptr ? t.older->newer : oldest_) = t.newer;
        (t.newer != nullptr ? t.newer->older : newest_) = t.older;
        --size_;
    }

private:
    tombstone* oldest_ = nullptr;
    tombstone* newest_ = nullptr;
    std::size_t size_ = 0;
};

}  // namespace tidings::replica_detail
