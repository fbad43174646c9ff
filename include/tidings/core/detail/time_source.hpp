/// A bus's clock, where it has one of its own.
#pragma once

#include <tidings/base/coarse_clock.hpp>
#include <tidings/base/sync.hpp>
#include <tidings/core/event_id.hpp>
#include <tidings/executor/clock.hpp>
#include <tidings/executor/system_clock.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>

namespace tidings::detail {

/// When `duration` from `now` is, or the last moment there is; `now`, if it is not in the future.
template <class Rep, class Period>
constexpr std::chrono::steady_clock::time_point later(std::chrono::steady_clock::time_point now,
                                                      std::chrono::duration<Rep, Period> duration) noexcept {
    using time_point = std::chrono::steady_clock::time_point;
    using seconds = std::chrono::duration<double>;  // holds any, and keeps their order
    if (!(duration > duration.zero())) return now;
    if (seconds{duration} >= seconds{time_point::max() - now}) return time_point::max();
    return now + std::chrono::ceil<time_point::duration>(duration);
}

/// Null pointers to it stand for the system's clock: hence the static functions.
class time_source {
public:
    using time_point = std::chrono::steady_clock::time_point;

    explicit time_source(std::shared_ptr<clock_port> clock) : clock_{std::move(clock)}, ids_{clock_->random()} {}

    static clock_port& clock(const time_source* source) noexcept {
        return source != nullptr ? *source->clock_ : default_clock();
    }

    static time_point now(const time_source* source) noexcept {
        return source != nullptr ? source->clock_->now() : time_point{base::steady_clock::now().time_since_epoch()};
    }

    /// Like now(), but some milliseconds late, where that is cheaper.
    static time_point stamp(const time_source* source) noexcept {
        return source != nullptr ? now(source) : base::coarse_now();
    }

    static std::chrono::system_clock::time_point system_now(const time_source* source) noexcept {
        return source != nullptr ? source->clock_->system_now() : std::chrono::system_clock::now();
    }

    static event_id next_id(const time_source* source) noexcept {
        if (source == nullptr) return event_id::next();
        const auto time = source->clock_->system_now().time_since_epoch();
        std::lock_guard lock{source->mutex_};
        return source->ids_.next(
            static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(time).count()));
    }

private:
    const std::shared_ptr<clock_port> clock_;
    mutable base::mutex mutex_;
    mutable event_id_sequence ids_;  // guarded by mutex_
};

}  // namespace tidings::detail
