/// Asks a handler to stop when its time is over.
#pragma once

#include <tidings/base/config.hpp>
#include <tidings/executor/clock.hpp>

#include <chrono>
#include <memory>
#include <stop_token>
#include <utility>

namespace tidings::consumer_detail {

/// Set for as long as it lives. The clock's alarm outlives it where it rings at the same moment.
class time_limit {
public:
    /// Throws std::bad_alloc, and tidings::error if the clock needs a thread and there is none.
    time_limit(detail::clock_port& clock, std::chrono::steady_clock::time_point due)
        : clock_{clock}, bell_{std::make_shared<bell>()} {
        bell_->rings = bell_;
        TIDINGS_TRY { clock_.call_at(*bell_, due); }
        TIDINGS_CATCH_ALL {
            bell_->rings.reset();
            TIDINGS_RETHROW;
        }
    }
    time_limit(const time_limit&) = delete;
    time_limit& operator=(const time_limit&) = delete;
    ~time_limit() {
        if (clock_.cancel(*bell_)) bell_->rings.reset();
    }

    std::stop_token token() const noexcept { return bell_->stop.get_token(); }

private:
    struct bell : detail::alarm {
        bell() : alarm{&act_on} {}
        static void act_on(alarm& self) noexcept {
            const std::shared_ptr<bell> mine = std::move(static_cast<bell&>(self).rings);
            mine->stop.request_stop();
        }
        std::stop_source stop;
        std::shared_ptr<bell> rings;  // itself, while it is set
    };

    detail::clock_port& clock_;
    std::shared_ptr<bell> bell_;
};

}  // namespace tidings::consumer_detail
