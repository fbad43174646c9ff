/// Events that wait for those before them.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>

namespace tidings::resequencer_detail {

using time_point = std::chrono::steady_clock::time_point;

/// By their number, and by how long they have been held.
template <class Event>
class held_events {
public:
    struct held {
        held(Event&& source, std::uint64_t number, time_point now)
            : event(std::move(source)), sequence{number}, since{now} {}
        Event event;
        std::uint64_t sequence;
        time_point since;
        held* older = nullptr;
        held* newer = nullptr;
    };
    using taken = typename std::map<std::uint64_t, held>::node_type;

    bool empty() const noexcept { return by_number_.empty(); }
    std::size_t size() const noexcept { return by_number_.size(); }
    bool contains(std::uint64_t sequence) const noexcept { return by_number_.find(sequence) != by_number_.end(); }

    // Of some that are held.
    std::uint64_t first() const noexcept { return by_number_.begin()->first; }
    std::uint64_t last() const noexcept { return by_number_.rbegin()->first; }
    const held& oldest() const noexcept { return *oldest_; }

    /// `now` is never less than before. Throws std::bad_alloc, and then the event has not been touched, and what moving
    /// it throws.
    void add(std::uint64_t sequence, Event&& event, time_point now) {
        held& made = by_number_.try_emplace(sequence, std::move(event), sequence, now).first->second;
        made.older = newest_;
        (newest_ != nullptr ? newest_->newer : oldest_) = &made;
        newest_ = &made;
    }

    taken take_first() noexcept {
        const held& first = by_number_.begin()->second;
        (first.older != nullptr ? first.older->newer : oldest_) = first.newer;
        (first.newer != nullptr ? first.newer->older : newest_) = first.older;
        return by_number_.extract(by_number_.begin());
    }

private:
    std::map<std::uint64_t, held> by_number_;
    held* oldest_ = nullptr;
    held* newest_ = nullptr;
};

}  // namespace tidings::resequencer_detail
