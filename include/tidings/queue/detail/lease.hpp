/// The right to settle a message, whatever its type.
#pragma once

#include <tidings/queue/detail/message.hpp>
#include <tidings/queue/detail/state.hpp>

#include <cstdint>
#include <string_view>
#include <utility>

namespace tidings::work_queue_detail {

/// Keeps the message until its end, and the state until it is settled.
class lease {
public:
    lease() noexcept = default;

    /// Adopts a reference to each.
    lease(state& of, const attempt& begun) noexcept
        : home_{&of}, message_{begun.at}, token_{begun.token}, attempt_{begun.number} {}
    lease(lease&& other) noexcept
        : home_{std::exchange(other.home_, nullptr)},
          message_{std::exchange(other.message_, nullptr)},
          token_{other.token_},
          attempt_{other.attempt_} {}
    lease& operator=(lease&& other) noexcept {
        lease{std::move(other)}.swap(*this);
        return *this;
    }
    ~lease() {
        nack({}, {});
        if (message_ != nullptr) message_->release();
    }

    message& held() const noexcept { return *message_; }
    unsigned number() const noexcept { return attempt_; }

    /// Whether nobody has settled with this object.
    bool is_open() const noexcept { return home_ != nullptr; }

    bool ack() noexcept {
        if (home_ == nullptr) return false;
        return settle(home_->about_now(), [](contents& held, message& m, time_point) { held.ack(m); });
    }

    bool nack(duration delay, std::string_view why) noexcept {
        if (home_ == nullptr) return false;
        auto reason = failures::make(why);
        return settle(home_->now(),
                      [&](contents& held, message& m, time_point now) { held.nack(m, delay, reason, now); });
    }

    bool reject(std::string_view why) noexcept {
        if (home_ == nullptr) return false;
        auto reason = failures::make(why);
        return settle(home_->now(), [&](contents& held, message& m, time_point now) { held.reject(m, reason, now); });
    }

    bool extend(duration by) noexcept {
        if (home_ == nullptr) return false;
        return settle(
            home_->now(), [&](contents& held, message& m, time_point now) { held.extend(m, by, now); },
            state::afterwards::goes_on);
    }

    /// Gives up both references without a word: somebody else has them.
    void leave_to_others() noexcept {
        home_ = nullptr;
        message_ = nullptr;
    }

    void swap(lease& other) noexcept {
        std::swap(home_, other.home_);
        std::swap(message_, other.message_);
        std::swap(token_, other.token_);
        std::swap(attempt_, other.attempt_);
    }

private:
    template <class Change>
    bool settle(time_point now, Change change, state::afterwards then = state::afterwards::over) noexcept {
        state& home = *home_;
        // Before it is settled, for then it may be the end of the state, and of what the caller stands in.
        if (then == state::afterwards::over) home_ = nullptr;
        message& m = *message_;
        const bool mine =
            home.settle(m, token_, now, then, [&](contents& held, time_point at) { change(held, m, at); });
        if (!mine) home_ = nullptr;
        return mine;
    }

    state* home_ = nullptr;
    message* message_ = nullptr;
    std::uint64_t token_ = 0;
    unsigned attempt_ = 0;
};

}  // namespace tidings::work_queue_detail
