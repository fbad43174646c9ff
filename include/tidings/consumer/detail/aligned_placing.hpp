/// How an event comes into windows that are the same for all keys.
#pragma once

#include <tidings/consumer/detail/key_in_use.hpp>
#include <tidings/consumer/detail/time_math.hpp>
#include <tidings/consumer/window.hpp>
#include <tidings/consumer/window_kind.hpp>
#include <tidings/consumer/window_outcome.hpp>
#include <tidings/consumer/window_stats.hpp>

#include <cstddef>
#include <cstdint>

namespace tidings::window_detail {

/// The windows of one time: counted from 0, the one that ends last.
class windows_at {
public:
    using duration = aligned_windows::duration;

    windows_at(const aligned_windows& kind, event_time t) noexcept : kind_{kind}, time_{t} {
        const duration step = kind.step();
        inside_ = t.time_since_epoch() % step;
        if (inside_ < duration::zero()) inside_ += step;
        inside_ += inside_ < kind.offset() ? step - kind.offset() : -kind.offset();
    }

    std::uint64_t count() const noexcept {
        return static_cast<std::uint64_t>((kind_.size() - inside_ - duration{1}) / kind_.step()) + 1;
    }
    event_time start(std::uint64_t n) const noexcept { return consumer_detail::earlier(time_, inside_ + steps(n)); }
    event_time end(std::uint64_t n) const noexcept {
        return consumer_detail::later(time_, kind_.size() - inside_ - steps(n));
    }

private:
    duration steps(std::uint64_t n) const noexcept { return kind_.step() * static_cast<duration::rep>(n); }

    const aligned_windows& kind_;
    const event_time time_;
    duration inside_{};  ///< since the last window began
};

/// `fold(value)` adds the event. O(log n) for each of its windows.
template <class Windows, class Key, class Fold>
window_outcome place(Windows& open, const aligned_windows& kind, event_time t, const Key& key, event_time watermark,
                     std::size_t most, window_stats& stats, Fold fold) {
    const windows_at all{kind, t};
    if (all.count() > most) return window_outcome::full;
    std::uint64_t still_open = all.count();
    while (still_open != 0 && all.end(still_open - 1) <= watermark) --still_open;
    if (still_open == 0) return window_outcome::late;

    key_in_use of{open.keys, key};
    std::size_t wanted = 0;
    for (std::uint64_t n = 0; n != still_open; ++n)
        if (!of.known() || !open.is_open(of.known_by(), all.start(n), all.end(n))) ++wanted;
    if (wanted > most - open.size()) return window_outcome::full;

    of.make_known();
    for (std::uint64_t n = still_open; n-- != 0;) {
        const auto [to, is_new] = open.open(key, of.known_by(), all.start(n), all.end(n));
        struct undo {
            ~undo() {
                if (home != nullptr) home->take(opened);
            }
            Windows* home;
            typename Windows::iterator opened;
        } guard{is_new ? &open : nullptr, to};
        fold(to->second.seen.value);
        guard.home = nullptr;
        ++to->second.seen.count;
        if (is_new) ++stats.opened;
    }
    if (still_open != all.count()) ++stats.partly_late;
    return window_outcome::taken;
}

}  // namespace tidings::window_detail
