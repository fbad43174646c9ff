// A clock that stands still until a test has its next alarm ring.
#pragma once

#include <tidings/executor/alarm_queue.hpp>
#include <tidings/executor/clock.hpp>

#include <chrono>
#include <cstdint>

namespace support {

/// For one thread. Allocates nothing: there is room for 64 alarms.
class hand_clock final : public tidings::detail::clock_port {
public:
    using time_point = std::chrono::steady_clock::time_point;

    hand_clock() { alarms_.reserve(64); }

    time_point now() const noexcept override { return now_; }
    std::chrono::system_clock::time_point system_now() const noexcept override {
        return std::chrono::system_clock::time_point{
            std::chrono::duration_cast<std::chrono::system_clock::duration>(now_.time_since_epoch())};
    }
    std::uint64_t random() noexcept override { return random_ = random_ * 0x5851'F42D'4C95'7F2DU + 1; }
    void call_at(tidings::detail::alarm& a, time_point due) override { alarms_.push(a, due); }
    bool cancel(tidings::detail::alarm& a) noexcept override { return alarms_.remove(a); }

    /// To the next alarm; false: there is none.
    bool ring_next() {
        tidings::detail::alarm* const next = alarms_.pop();
        if (next == nullptr) return false;
        if (next->due > now_) now_ = next->due;
        next->ring(*next);
        return true;
    }

private:
    time_point now_{std::chrono::hours{1}};
    tidings::detail::alarm_queue alarms_;
    std::uint64_t random_ = 1;
};

}  // namespace support
