/// What could go on in a simulation, and which of it does.
#pragma once

#include <tidings/base/job.hpp>
#include <tidings/testing/detail/random_stream.hpp>
#include <tidings/testing/detail/runner.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace tidings::testing::detail {

/// A task that was posted.
struct posted_step {
    base::job* work;
    std::uint64_t number;
    std::uint64_t poster;
};

/// Steps that have not begun, are suspended, or wait. A waiting one is not told when its wait is over: it has to look,
/// which it may whenever something has changed since it last did. Not thread-safe.
class agenda {
public:
    using time_point = std::chrono::steady_clock::time_point;

    enum class kind : std::uint8_t { nothing, goes_on, looks, begins, rings };
    struct choice {
        agenda::kind kind = agenda::kind::nothing;
        std::size_t which = 0;
    };

    explicit agenda(std::uint64_t seed) noexcept : chance_{seed} {}

    std::uint64_t turns = 0;     ///< that anybody had, if only to look
    std::uint64_t progress = 0;  ///< counts what may have ended somebody's wait

    /// Room for `runners` that are suspended or wait. Throws std::bad_alloc.
    void reserve(std::size_t runners) {
        suspended_.reserve(runners);
        waiting_.reserve(runners);
    }

    /// Throws std::bad_alloc, and nothing is added.
    void post(const posted_step& step) {
        posted_.push_back(step);
        ++progress;
    }

    void suspend(runner& r) noexcept { suspended_.push_back(&r); }

    void wait(runner& r, time_point until) noexcept {
        r.until = until;
        r.progress = progress;
        waiting_.push_back(&r);
    }

    /// Whether steps have begun and not ended, of which none has the baton.
    bool has_begun() const noexcept { return !suspended_.empty() || !waiting_.empty(); }

    /// When the first of those that wait for a deadline has to look, or the end of time.
    time_point deadline() const noexcept {
        time_point first = time_point::max();
        for (const runner* const r : waiting_) first = std::min(first, r->until);
        return first;
    }

    /// Each that could go on has the same chance. `ringing`: whether an alarm is one of them.
    choice draw(time_point now, bool ringing) noexcept {
        const auto looking = static_cast<std::size_t>(
            std::count_if(waiting_.begin(), waiting_.end(), [&](const runner* r) { return may_look(*r, now); }));
        const std::size_t total = suspended_.size() + looking + posted_.size() + (ringing ? 1 : 0);
        if (total == 0) return {};
        auto which = static_cast<std::size_t>(chance_.below(total));
        if (which < suspended_.size()) return {kind::goes_on, which};
        which -= suspended_.size();
        if (which < looking) {
            for (std::size_t each = 0;; ++each)
                if (may_look(*waiting_[each], now) && which-- == 0) return {kind::looks, each};
        }
        which -= looking;
        if (which < posted_.size()) return {kind::begins, which};
        return {kind::rings, 0};
    }

    // Take out what was drawn.
    runner& take_suspended(choice c) noexcept { return *take(suspended_, c.which); }
    runner& take_waiting(choice c) noexcept { return *take(waiting_, c.which); }
    posted_step take_posted(choice c) noexcept { return take(posted_, c.which); }
    std::vector<posted_step> take_all_posted() noexcept { return std::exchange(posted_, {}); }

private:
    bool may_look(const runner& r, time_point now) const noexcept {
        if (r.until <= now) return true;
        return r.progress != progress;
    }

    template <class T>
    static T take(std::vector<T>& from, std::size_t which) noexcept {
        std::swap(from[which], from.back());
        const T taken = from.back();
        from.pop_back();
        return taken;
    }

    random_stream chance_;
    std::vector<posted_step> posted_;
    std::vector<runner*> suspended_;
    std::vector<runner*> waiting_;
};

}  // namespace tidings::testing::detail
