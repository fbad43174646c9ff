/// Who may be handled now: breaker, places and rate, together.
#pragma once

#include <tidings/base/sync.hpp>
#include <tidings/consumer/circuit_breaker.hpp>
#include <tidings/consumer/rate_limit.hpp>

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <utility>

namespace tidings::consumer_detail {

/// Thread-safe.
class gate {
public:
    using time_point = std::chrono::steady_clock::time_point;

    gate(const std::optional<circuit_breaker_options>& breaker, const std::optional<rate_limit>& rate,
         unsigned places) {
        if (breaker) breaker_.emplace(*breaker);
        if (rate) pacer_.emplace(*rate);
        places_ = places;
    }

    /// Whether anybody is ever kept waiting.
    bool is_open() const noexcept { return !breaker_ && !pacer_ && places_ == 0; }

    struct answer {
        bool may_pass = false;
        circuit_breaker::pass with{};
        time_point ask_again{};  ///< where it may not; the last moment there is: when leave() says so
    };

    answer enter(time_point now) noexcept {
        const std::lock_guard lock{mutex_};
        if (places_ != 0 && inside_ == places_) return refuse(time_point::max());
        if (pacer_) {
            const time_point next = pacer_->next(now);
            if (next > now) return refuse(next);
        }
        circuit_breaker::pass with;
        if (breaker_) {
            const auto passed = breaker_->enter(now);
            if (!passed) return refuse(breaker_->ask_again());
            with = *passed;
        }
        if (pacer_) pacer_->pass(now);
        ++inside_;
        return {.may_pass = true, .with = with};
    }

    /// Returns whether somebody was refused who may pass now: the queues are to go on.
    bool leave(circuit_breaker::pass with, circuit_breaker::result how, time_point now) noexcept {
        const std::lock_guard lock{mutex_};
        --inside_;
        if (breaker_) breaker_->leave(with, how, now);
        return std::exchange(refused_, false);
    }

    breaker_state state(time_point now) const noexcept {
        const std::lock_guard lock{mutex_};
        return breaker_ ? breaker_->state(now) : breaker_state::closed;
    }
    std::uint64_t openings() const noexcept {
        const std::lock_guard lock{mutex_};
        return breaker_ ? breaker_->openings() : 0;
    }

private:
    answer refuse(time_point until) noexcept {
        refused_ = refused_ || until == time_point::max();
        return {.ask_again = until};
    }

    mutable base::mutex mutex_;
    std::optional<circuit_breaker> breaker_;
    std::optional<pacer> pacer_;
    unsigned places_ = 0;  // 0: without end
    unsigned inside_ = 0;
    bool refused_ = false;  // since somebody left
};

}  // namespace tidings::consumer_detail
