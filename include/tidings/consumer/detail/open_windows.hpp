/// The windows that are open.
#pragma once

#include <tidings/consumer/detail/open_keys.hpp>
#include <tidings/consumer/window.hpp>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <tuple>
#include <utility>

namespace tidings::window_detail {

/// In the order in which they close: by their end, then by the arrival of their key. Each has a copy of its key, so
/// that closing needs no memory.
template <class Key, class Accumulator>
class open_windows {
public:
    using key_handle = typename open_keys<Key>::handle;

    struct place {
        event_time end;
        std::uint64_t key;
        event_time start;
        friend bool operator<(const place& a, const place& b) noexcept {
            return std::tie(a.end, a.key, a.start) < std::tie(b.end, b.key, b.start);
        }
    };
    struct content {
        content(const Key& key, event_time start, event_time end, const key_handle& by)
            : seen{key, start, end, Accumulator{}, 0}, owner{by}, newest{start} {}
        window<Key, Accumulator> seen;
        key_handle owner;
        event_time newest;  ///< of a session
    };
    using map = std::map<place, content>;
    using iterator = typename map::iterator;
    using taken = typename map::node_type;

    open_keys<Key> keys;

    std::size_t size() const noexcept { return by_end_.size(); }

    bool is_open(const key_handle& of, event_time start, event_time end) const noexcept {
        return by_end_.find({end, of.arrival, start}) != by_end_.end();
    }

    /// Finds it, or opens it. Throws what copying the key and making the value throw; then nothing has changed.
    std::pair<iterator, bool> open(const Key& key, const key_handle& of, event_time start, event_time end) {
        const place at{end, of.arrival, start};
        const auto made = by_end_.try_emplace(at, key, start, end, of);
        if (made.second) keys.window_opens(of);
        return made;
    }

    bool any_until(event_time watermark) const noexcept {
        return !by_end_.empty() && by_end_.begin()->first.end <= watermark;
    }
    event_time last_end() const noexcept { return by_end_.rbegin()->first.end; }

    taken take_first() noexcept { return take(by_end_.begin()); }

    taken take(iterator w) noexcept {
        by_start_.erase({w->first.key, w->first.start});
        keys.window_ends(w->second.owner);
        return by_end_.extract(w);
    }

    // --- Sessions: those of one key do not overlap
    // ---------------------------------------------------------------------

    std::pair<iterator, bool> open_session(const Key& key, const key_handle& of, event_time start, event_time end) {
        const auto made = open(key, of, start, end);
        struct undo {
            ~undo() {
                if (home != nullptr) home->take(made);
            }
            open_windows* home;
            iterator made;
        } guard{this, made.first};
        by_start_.emplace(std::pair{of.arrival, start}, made.first);
        guard.home = nullptr;
        return made;
    }

    /// The last that begins at `t` or before, and the first that begins later; end() where there is none.
    std::pair<iterator, iterator> sessions_around(const key_handle& of, event_time t) noexcept {
        const auto behind = by_start_.upper_bound({of.arrival, t});
        const auto of_key = [&](auto at) { return at->first.first == of.arrival; };
        std::pair around{end(), end()};
        if (behind != by_start_.end() && of_key(behind)) around.second = behind->second;
        if (behind != by_start_.begin() && of_key(std::prev(behind))) around.first = std::prev(behind)->second;
        return around;
    }

    /// Neither allocates nor throws.
    iterator move(iterator w, event_time start, event_time newest, event_time end) noexcept {
        w->second.newest = newest;
        if (w->first.start == start && w->first.end == end) return w;
        auto indexed = by_start_.extract({w->first.key, w->first.start});
        auto node = by_end_.extract(w);
        node.key().start = indexed.key().second = node.mapped().seen.start = start;
        node.key().end = node.mapped().seen.end = end;
        const iterator moved = by_end_.insert(std::move(node)).position;
        indexed.mapped() = moved;
        by_start_.insert(std::move(indexed));
        return moved;
    }

    iterator end() noexcept { return by_end_.end(); }

private:
    map by_end_;
    std::map<std::pair<std::uint64_t, event_time>, iterator> by_start_;  ///< sessions
};

}  // namespace tidings::window_detail
