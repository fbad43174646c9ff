/// What a resequencer does.
#pragma once

#include <tidings/base/config.hpp>
#include <tidings/consumer/detail/first_exception.hpp>
#include <tidings/consumer/detail/held_events.hpp>
#include <tidings/consumer/detail/known_gaps.hpp>
#include <tidings/consumer/detail/number_belief.hpp>
#include <tidings/consumer/detail/time_math.hpp>
#include <tidings/consumer/resequencer_functions.hpp>
#include <tidings/consumer/resequencer_options.hpp>
#include <tidings/consumer/resequencer_stats.hpp>
#include <tidings/consumer/sequence_gap.hpp>
#include <tidings/consumer/sequence_outcome.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

namespace tidings::resequencer_detail {

/// `let_go` says whether the owner has been destroyed meanwhile: then no handler is called any more.
template <class Event>
class sequencing {
public:
    sequencing(resequencer_functions<Event> functions, const resequencer_options& how)
        : functions_{std::move(functions)},
          patience_{std::max(how.patience, std::chrono::steady_clock::duration::zero())},
          capacity_{std::max<std::size_t>(how.capacity, 1)},
          belief_{how.longest_jump, how.believed_after},
          gaps_{how.remembered_gaps} {
        if (how.first) begin_with(*how.first);
    }

    sequence_outcome push(std::uint64_t sequence, Event& event, time_point now, const bool& let_go) {
        consumer_detail::first_exception thrown;
        ++counts_.pushed;
        now_ = std::max(now_, now);
        sequence_outcome became{};
        TIDINGS_TRY { became = take(sequence, event, let_go, thrown); }
        TIDINGS_CATCH_ALL {
            ++counts_.failed;
            TIDINGS_RETHROW;
        }
        if (became != sequence_outcome::delivered && became != sequence_outcome::held) {
            count_stray(became);
            if (!let_go && functions_.stray) guarded(thrown, [&] { functions_.stray({became, sequence, event}); });
        }
        settle(let_go, thrown);
        if (became == sequence_outcome::held && is_behind(sequence)) became = sequence_outcome::delivered;
        thrown.rethrow();
        return became;
    }

    void advance(time_point now, const bool& let_go) {
        now_ = std::max(now_, now);
        settle_alone(let_go);
    }

    void flush(const bool& let_go) {
        if (!held_.empty()) give_up_to_ = std::max(give_up_to_, held_.last());
        settle_alone(let_go);
    }

    std::optional<time_point> deadline() const noexcept {
        if (held_.empty()) return std::nullopt;
        return consumer_detail::later(held_.oldest().since, patience_);
    }

    resequencer_stats stats() const noexcept {
        resequencer_stats seen = counts_;
        seen.held = held_.size();
        return seen;
    }

private:
    static constexpr std::uint64_t last_number = std::numeric_limits<std::uint64_t>::max();

    void begin_with(std::uint64_t sequence) noexcept {
        begun_ = true;
        next_ = sequence;
        gaps_.know_nothing_before(sequence);
    }

    bool is_behind(std::uint64_t sequence) const noexcept { return sequence < next_ || at_end_; }

    sequence_outcome take(std::uint64_t sequence, Event& event, const bool& let_go,
                          consumer_detail::first_exception& thrown) {
        if (!begun_) begin_with(sequence);
        const std::uint64_t reach = held_.empty() ? next_ : held_.last();
        if (!belief_.accepts(sequence, reach)) return sequence_outcome::too_far_ahead;
        for (;;) {
            if (is_behind(sequence)) return why_behind(sequence);
            if (held_.contains(sequence)) return sequence_outcome::duplicate;
            if (sequence == next_ && !under_way_) {
                deliver(sequence, event, thrown);
                return sequence_outcome::delivered;
            }
            if (held_.size() < capacity_) {
                held_.add(sequence, std::move(event), now_);
                counts_.high_water = std::max<std::uint64_t>(counts_.high_water, held_.size());
                return sequence_outcome::held;
            }
            if (under_way_) return sequence_outcome::full;
            ++counts_.crowded_out;
            if (sequence < held_.first()) {
                give_up_before(sequence, thrown);
            } else {  // and what time has made due stays: this event may be missing there
                give_up_to_ = std::max(give_up_to_, held_.first());
                while (!let_go && go_on(thrown)) continue;
            }
            if (let_go) return sequence_outcome::ended;
        }
    }

    sequence_outcome why_behind(std::uint64_t sequence) const noexcept {
        if (!gaps_.known(sequence)) return sequence_outcome::too_old;
        return gaps_.contains(sequence) ? sequence_outcome::straggler : sequence_outcome::duplicate;
    }

    /// What time has made due, and what follows it.
    void settle(const bool& let_go, consumer_detail::first_exception& thrown) {
        if (under_way_) return;  // the call that is under way does it
        do {
            if (!held_.empty() && consumer_detail::between(held_.oldest().since, now_) >= patience_)
                give_up_to_ = std::max(give_up_to_, held_.oldest().sequence);
        } while (!let_go && go_on(thrown));
    }

    /// One step; false: the next one is missing, and is waited for.
    bool go_on(consumer_detail::first_exception& thrown) {
        if (held_.empty()) return false;
        const std::uint64_t first = held_.first();
        if (first == next_) {
            auto taken = held_.take_first();
            deliver(first, taken.mapped().event, thrown);
        } else if (first <= give_up_to_) {
            give_up_before(first, thrown);
        } else {
            return false;
        }
        return true;
    }

    void settle_alone(const bool& let_go) {
        consumer_detail::first_exception thrown;
        settle(let_go, thrown);
        thrown.rethrow();
    }

    /// The next one.
    void deliver(std::uint64_t sequence, Event& event, consumer_detail::first_exception& thrown) {
        if (sequence == last_number) at_end_ = true;
        else next_ = sequence + 1;
        ++counts_.delivered;
        if (calling(thrown, [&] { functions_.deliver(sequence, std::move(event)); })) return;
        --counts_.delivered;
        ++counts_.failed;
    }

    void give_up_before(std::uint64_t sequence, consumer_detail::first_exception& thrown) {
        const sequence_gap gap{next_, sequence - 1};
        gaps_.add(gap);
        next_ = sequence;
        ++counts_.gaps;
        counts_.missing += std::min(gap.last_missing - gap.first_missing + 1, last_number - counts_.missing);
        if (functions_.gap && !calling(thrown, [&] { functions_.gap(gap); })) ++counts_.handler_failures;
    }

    /// Whether it returned. What it pushes meanwhile is held, for the order.
    template <class F>
    bool calling(consumer_detail::first_exception& thrown, F handler) {
        under_way_ = true;
        const bool returned = thrown.run(handler);
        under_way_ = false;
        return returned;
    }

    template <class F>
    void guarded(consumer_detail::first_exception& thrown, F handler) {
        if (!thrown.run(handler)) ++counts_.handler_failures;
    }

    void count_stray(sequence_outcome became) noexcept {
        switch (became) {
            case sequence_outcome::duplicate:
                ++counts_.duplicates;
                break;
            case sequence_outcome::straggler:
                ++counts_.stragglers;
                break;
            case sequence_outcome::too_old:
                ++counts_.too_old;
                break;
            case sequence_outcome::too_far_ahead:
                ++counts_.too_far_ahead;
                break;
            case sequence_outcome::full:
                ++counts_.full;
                break;
            case sequence_outcome::delivered:
            case sequence_outcome::held:
            case sequence_outcome::ended:
                break;
        }
    }

    const resequencer_functions<Event> functions_;
    const std::chrono::steady_clock::duration patience_;
    const std::size_t capacity_;

    number_belief belief_;
    held_events<Event> held_;
    known_gaps gaps_;
    resequencer_stats counts_;
    time_point now_ = time_point::min();
    std::uint64_t next_ = 0;        ///< whose turn it is
    std::uint64_t give_up_to_ = 0;  ///< what is missing before this is not waited for
    bool begun_ = false;
    bool at_end_ = false;     ///< the last number there is has been delivered
    bool under_way_ = false;  ///< a handler of what is in order, or of a gap
};

}  // namespace tidings::resequencer_detail
