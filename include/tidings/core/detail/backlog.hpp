/// The events that wait in a queue: in one line, or in one for each key. What comes back keeps its place at the head of
/// its line, which rests until it is time to try again.
#pragma once

#include <tidings/core/detail/event_lanes.hpp>
#include <tidings/core/detail/event_ring.hpp>
#include <tidings/core/detail/waiting_event.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>

namespace tidings::detail {

/// Who may overtake whom.
enum class lines {
    one,         ///< nobody
    by_key,      ///< events of another key
    each_alone,  ///< everybody
};

/// Whether handlers may ask for an event again.
enum class redelivery { never, possible };

/// One or the other.
class backlog {
public:
    using time_point = lane::time_point;

    backlog(lines kind, redelivery returns) noexcept : kind_{kind}, lanes_{returns == redelivery::possible} {}

    std::size_t size() const noexcept { return in_lanes() ? lanes_.size() : ring_.size(); }

    /// Throws std::bad_alloc and changes nothing then. Returns whether there is one more event that can be popped.
    bool push(waiting_event added) {
        if (in_lanes()) {
            if (kind_ == lines::each_alone) added.key = arrivals_++;
            return lanes_.push(added);
        }
        ring_.push(added);
        return !rests();
    }

    bool pop(waiting_event& taken) noexcept {
        if (in_lanes()) return lanes_.pop(taken);
        if (ring_.size() == 0 || rests()) return false;
        taken = ring_.pop();
        failed_before_ = std::exchange(first_failed_, 0);
        return true;
    }

    /// How often the event has come back, that was popped last.
    unsigned failed(const waiting_event& popped) const noexcept {
        return in_lanes() ? event_lanes::failed(*popped.from) : failed_before_;
    }

    /// For each event that pop() gave and that does not come back.
    void finish(const waiting_event& handled) noexcept {
        if (in_lanes()) lanes_.finish(*handled.from);
        else ring_.finish();
    }

    /// What was popped is the first of its line again, which rests until `due`; of several, the last comes back first.
    void put_back(const waiting_event& popped, unsigned failed, time_point due, rest kind = rest::until_due) noexcept {
        if (in_lanes()) {
            lanes_.put_back(*popped.from, failed, due, kind);
            return;
        }
        ring_.put_back(popped);
        first_failed_ = failed;
        due_ = due;
        can_be_woken_ = kind == rest::until_woken;
    }

    time_point next_due() const noexcept {
        if (in_lanes()) return lanes_.next_due();
        return rests() ? due_ : time_point::max();
    }

    /// Lines whose time has come do not rest any more. Returns how many.
    std::size_t wake(time_point now) noexcept {
        if (in_lanes()) return lanes_.wake(now);
        if (!rests() || due_ > now) return 0;
        due_ = time_point::min();
        return 1;
    }

    /// The line of that key does not rest any more, if it may be woken. False: it does not, or may not.
    bool wake_line(std::uint64_t key) noexcept {
        if (in_lanes()) return lanes_.wake_line(key);
        if (!rests() || !can_be_woken_) return false;
        due_ = time_point::min();
        return true;
    }

    /// Of one without events: lanes that they have left do not count as listed, and nothing rests any more.
    void forget_empty() noexcept {
        lanes_.forget_empty();
        forget_first();
    }

    /// If it rested, what is behind it can be popped now; a lane rests on all the same.
    waiting_event pop_oldest() noexcept {
        if (in_lanes()) return lanes_.pop_oldest();
        forget_first();
        return ring_.remove_first();
    }

    /// Calls `take(event)` for what `chosen(event)` and takes it out.
    template <class Chosen, class Take>
    void take_if(Chosen chosen, Take take) noexcept {
        if (in_lanes()) lanes_.take_if(chosen, take);
        else if (ring_.take_if(chosen, take)) forget_first();
    }

private:
    bool in_lanes() const noexcept { return kind_ != lines::one; }
    bool rests() const noexcept { return due_ != time_point::min(); }
    void forget_first() noexcept {
        first_failed_ = 0;
        due_ = time_point::min();
    }

    const lines kind_;
    event_ring ring_;
    event_lanes lanes_;
    std::uint64_t arrivals_ = 0;

    // Of the ring.
    time_point due_ = time_point::min();  // the least: it does not rest
    bool can_be_woken_ = false;           // while it rests
    unsigned first_failed_ = 0;           // how often its first event has come back
    unsigned failed_before_ = 0;          // the same of the event that was popped last as the first of several
};

}  // namespace tidings::detail
