/// How far event time has come.
#pragma once

#include <tidings/consumer/detail/time_math.hpp>
#include <tidings/consumer/window.hpp>
#include <tidings/consumer/window_options.hpp>

#include <algorithm>

namespace tidings::window_detail {

/// The watermark of an aggregator: no event from before it is waited for. It never goes back.
///
/// An event that is further ahead than is believed does not move it. As with the sequence numbers of RFC 3550, A.1,
/// some that are far ahead together are believed: otherwise a source that has paused would never be heard again.
class event_clock {
public:
    explicit event_clock(const window_options& how) noexcept
        : lateness_{std::max(how.allowed_lateness, window_options::duration::zero())},
          longest_jump_{std::max(how.longest_jump, window_options::duration::zero())},
          believed_after_{how.believed_after} {}

    enum class belief : unsigned char { none, plain, jump };

    belief look_at(event_time t) noexcept {
        if (!begun_ || t <= newest_ || consumer_detail::between(newest_, t) <= longest_jump_) {
            far_ = 0;
            return belief::plain;
        }
        const bool follows =
            far_ != 0 && consumer_detail::between(std::min(far_at_, t), std::max(far_at_, t)) <= longest_jump_;
        far_ = follows ? far_ + 1 : 1;
        far_at_ = t;
        if (far_ < believed_after_) return belief::none;
        far_ = 0;
        return belief::jump;
    }

    /// Of an event that is believed.
    void move_with(event_time t) noexcept {
        newest_ = begun_ ? std::max(newest_, t) : t;
        begun_ = true;
        // The window of an event at the end of time has to be open still.
        watermark_ = std::max(watermark_, std::min(consumer_detail::earlier(t, lateness_), last_but_one));
    }

    void advance_to(event_time watermark) noexcept {
        watermark_ = std::max(watermark_, watermark);
        newest_ = begun_ ? std::max(newest_, watermark) : watermark;
        begun_ = true;
    }

    event_time watermark() const noexcept { return watermark_; }

private:
    static constexpr event_time last_but_one = event_time::max() - event_time::duration{1};

    const event_time::duration lateness_;
    const event_time::duration longest_jump_;
    const unsigned believed_after_;

    event_time watermark_ = event_time::min();
    event_time newest_{};  ///< of the events that were believed
    bool begun_ = false;
    unsigned far_ = 0;  ///< how many were too far ahead, one after another
    event_time far_at_{};
};

}  // namespace tidings::window_detail
