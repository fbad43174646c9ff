/// How an event comes into a session.
#pragma once

#include <tidings/consumer/detail/key_in_use.hpp>
#include <tidings/consumer/detail/time_math.hpp>
#include <tidings/consumer/window.hpp>
#include <tidings/consumer/window_kind.hpp>
#include <tidings/consumer/window_outcome.hpp>
#include <tidings/consumer/window_stats.hpp>

#include <algorithm>
#include <cstddef>
#include <utility>

namespace tidings::window_detail {

/// `fold(value)` adds the event, `merge(earlier, later)` one session to another. O(log n).
template <class Windows, class Key, class Fold, class Merge>
window_outcome place(Windows& open, const session_windows& kind, event_time t, const Key& key, event_time watermark,
                     std::size_t most, window_stats& stats, Fold fold, Merge merge) {
    using consumer_detail::between;
    const auto gap = kind.gap();
    key_in_use of{open.keys, key};

    // Sessions of a key are a gap apart, at least: there is no third that the event could reach.
    auto [before, behind] = of.known() ? open.sessions_around(of.known_by(), t) : std::pair{open.end(), open.end()};
    const auto is_open = [&](auto w) { return w != open.end() && w->first.end > watermark; };
    const auto reaches = [&](auto w) { return t <= w->second.newest || between(w->second.newest, t) < gap; };
    const bool joins_before = is_open(before) && reaches(before);
    const bool joins_behind = is_open(behind) && between(t, behind->first.start) < gap;

    if (joins_before && joins_behind) {
        merge(before->second.seen.value, std::move(behind->second.seen.value));
        before->second.seen.count += behind->second.seen.count;
        const event_time newest = behind->second.newest;
        const event_time end = behind->first.end;
        const auto gone = open.take(behind);
        before = open.move(before, before->first.start, newest, end);
        ++stats.merged;
    }
    if (joins_before || joins_behind) {
        auto to = joins_before ? before : behind;
        fold(to->second.seen.value);
        ++to->second.seen.count;
        const event_time newest = std::max(t, to->second.newest);
        open.move(to, std::min(t, to->first.start), newest, consumer_detail::later(newest, gap));
        return window_outcome::taken;
    }

    const event_time end = consumer_detail::later(t, gap);
    if (end <= watermark) return window_outcome::late;
    if (open.size() >= most) return window_outcome::full;
    const auto made = open.open_session(key, of.make_known(), t, end).first;
    struct undo {
        ~undo() {
            if (home != nullptr) home->take(opened);
        }
        Windows* home;
        typename Windows::iterator opened;
    } guard{&open, made};
    fold(made->second.seen.value);
    guard.home = nullptr;
    ++made->second.seen.count;
    ++stats.opened;
    return window_outcome::taken;
}

}  // namespace tidings::window_detail
