/// Leaves something alone that keeps failing, and looks now and then whether it works again.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

namespace tidings {

enum class breaker_state {
    closed,     ///< everything passes
    open,       ///< nothing does
    half_open,  ///< some pass, to see how they fare
};

struct circuit_breaker_options {
    unsigned failures = 5;  ///< in a row, that open it; 0 counts as 1
    std::chrono::nanoseconds open_for{std::chrono::seconds{30}};
    unsigned probes = 1;  ///< that have to succeed to close it; 0 counts as 1
};

/// Counts failures in a row. Closed, it lets everything pass; after too many failures it is open for a time; then it is
/// half open and lets some pass: if they succeed it closes, if one fails it is open again. What began before it changed
/// says nothing of it any more.
///
/// Not thread-safe. Constant. Neither throws nor allocates.
/// Source: M. Nygard, "Release It!" (2007).
class circuit_breaker {
public:
    using time_point = std::chrono::steady_clock::time_point;
    enum class result { succeeded, failed, unknown };

    /// What enter() gave to somebody who may pass, for leave().
    struct pass {
        std::uint64_t change = 0;
    };

    explicit circuit_breaker(const circuit_breaker_options& options) noexcept : options_{options} {
        options_.failures = std::max(options_.failures, 1U);
        options_.probes = std::max(options_.probes, 1U);
    }

    /// The state that enter() would find.
    breaker_state state(time_point now) const noexcept {
        return state_ == breaker_state::open && now >= closed_until_ ? breaker_state::half_open : state_;
    }

    /// Empty: not now; see ask_again().
    std::optional<pass> enter(time_point now) noexcept {
        if (state(now) != state_) change_to(breaker_state::half_open);
        if (state_ == breaker_state::open) return std::nullopt;
        if (state_ == breaker_state::half_open) {
            if (probing_ + succeeded_ >= options_.probes) return std::nullopt;
            ++probing_;
        }
        return pass{changes_};
    }

    /// When to ask again after a refusal; the last moment there is: when a probe has left.
    time_point ask_again() const noexcept { return state_ == breaker_state::open ? closed_until_ : time_point::max(); }

    void leave(pass with, result how, time_point now) noexcept {
        if (with.change != changes_) return;
        if (state_ == breaker_state::half_open) --probing_;
        if (how == result::succeeded) {
            failed_in_a_row_ = 0;
            if (state_ == breaker_state::half_open && ++succeeded_ == options_.probes) change_to(breaker_state::closed);
        } else if (how == result::failed) {
            if (state_ == breaker_state::closed && ++failed_in_a_row_ < options_.failures) return;
            change_to(breaker_state::open);
            const auto longest = time_point::max() - now;
            closed_until_ = options_.open_for < longest ? now + std::max(options_.open_for, {}) : time_point::max();
            ++openings_;
        }
    }

    /// How often it has opened.
    std::uint64_t openings() const noexcept { return openings_; }

private:
    void change_to(breaker_state next) noexcept {
        state_ = next;
        ++changes_;
        failed_in_a_row_ = probing_ = succeeded_ = 0;
    }

    circuit_breaker_options options_;
    breaker_state state_ = breaker_state::closed;
    std::uint64_t changes_ = 0;
    std::uint64_t openings_ = 0;
    unsigned failed_in_a_row_ = 0;
    unsigned probing_ = 0;
    unsigned succeeded_ = 0;
    time_point closed_until_{};  // of one that is open: nothing passes until then
};

}  // namespace tidings
