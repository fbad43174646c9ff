/// What a queue has to do, as simply as it can be said.
#pragma once

#include <tidings/core/delivery.hpp>
#include <tidings/queue/priority_order.hpp>
#include <tidings/queue/push.hpp>
#include <tidings/queue/work_queue_options.hpp>
#include <tidings/queue/work_queue_stats.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidings::testing::detail {

/// A reference for histories at random: everything is a search through all messages there have been.
class queue_model {
public:
    using time_point = std::chrono::steady_clock::time_point;
    using duration = std::chrono::steady_clock::duration;

    enum class state : std::uint8_t { ready, delayed, leased, dead, gone };
    struct message {
        std::string value{};
        int priority = 0;
        state is = state::gone;
        unsigned attempts = 0;
        std::size_t redriven = 0;
        std::string error{};
        time_point due{};        // of a delay, or a lease
        std::uint64_t turn = 0;  // when it became ready, or died, in the order of all such
    };

    explicit queue_model(work_queue_options options) : options_{std::move(options)} {}

    const work_queue_stats& counts() const noexcept { return counts_; }

    /// What has become due by then, in the order in which it did.
    void look_at_time(time_point now) {
        while (message* const first = next_due(now)) {
            if (first->is == state::leased) {
                ++counts_.expired;
                first->error = "";
                fail(*first, {}, now);
            } else {
                make_ready(*first);
            }
        }
    }

    push_result push(std::string value, int priority, duration delay, time_point now) {
        const bool is_full = count(state::ready) + count(state::delayed) + count(state::leased) == options_.capacity;
        if (is_full && options_.when_full == overflow::reject) {
            ++counts_.rejected;
            return push_result::rejected;
        }
        ++counts_.pushed;
        message& made = all_.emplace_back();
        made.value = std::move(value);
        made.priority = std::clamp(priority, lowest_priority, highest_priority);
        if (is_full && options_.when_full == overflow::drop_newest) return drop(made, made);
        if (delay > duration::zero()) postpone(made, now + delay);
        else make_ready(made);
        if (!is_full) return push_result::queued;
        message* victim = nullptr;
        for (message& each : all_)
            if (each.is == state::ready && (victim == nullptr || comes_after(*victim, each))) victim = &each;
        return drop(victim != nullptr ? *victim : made, made);
    }

    /// Those of which the next one may be received; only one, where there is an order.
    std::vector<message*> next(bool has_order) {
        std::vector<message*> found;
        for (message& each : all_) {
            if (each.is != state::ready) continue;
            if (!found.empty() && each.priority < found.front()->priority) continue;
            const bool is_better = !found.empty() && (each.priority > found.front()->priority ||
                                                      (has_order && each.turn < found.front()->turn));
            if (is_better) found.clear();
            if (is_better || found.empty() || !has_order) found.push_back(&each);
        }
        return found;
    }

    void lease(message& m, time_point now) {
        m.is = state::leased;
        ++m.attempts;
        m.due = now + options_.lease;
    }

    void ack(message& m) {
        ++counts_.acked;
        m.is = state::gone;
    }
    void nack(message& m, duration delay, std::string_view why, time_point now) {
        m.error = why;
        fail(m, delay, now);
    }
    void reject(message& m, std::string_view why) {
        m.error = why;
        bury(m);
    }

    /// Oldest first.
    std::vector<message*> dead() {
        std::vector<message*> found;
        for (message& each : all_)
            if (each.is == state::dead) found.push_back(&each);
        std::ranges::sort(found, {}, &message::turn);
        return found;
    }

    bool redrive(message& m) {
        if (count(state::ready) + count(state::delayed) + count(state::leased) == options_.capacity) return false;
        m.attempts = 0;
        ++m.redriven;
        make_ready(m);
        return true;
    }
    void discard(message& m) {
        ++counts_.discarded;
        m.is = state::gone;
    }

    std::size_t count(state which) const {
        return static_cast<std::size_t>(std::ranges::count(all_, which, &message::is));
    }

    /// Whether a delay, or a lease, ends then.
    bool is_taken(time_point due) const {
        return std::ranges::any_of(all_, [&](const message& each) {
            return (each.is == state::delayed || each.is == state::leased) && each.due == due;
        });
    }

private:
    static bool comes_after(const message& a, const message& b) {
        return a.priority != b.priority ? a.priority > b.priority : a.turn > b.turn;
    }

    message* next_due(time_point now) {
        message* found = nullptr;
        for (message& each : all_)
            if ((each.is == state::delayed || each.is == state::leased) && each.due <= now &&
                (found == nullptr || each.due < found->due))
                found = &each;
        return found;
    }

    push_result drop(message& victim, const message& pushed) {
        ++counts_.dropped;
        victim.is = state::gone;
        return &victim == &pushed ? push_result::dropped : push_result::queued;
    }
    void make_ready(message& m) {
        m.is = state::ready;
        m.turn = ++turns_;
    }
    static void postpone(message& m, time_point due) {
        m.is = state::delayed;
        m.due = due;
    }
    void fail(message& m, duration delay, time_point now) {
        if (m.attempts >= options_.max_attempts) return bury(m);
        if (delay > duration::zero()) return postpone(m, now + delay);
        make_ready(m);
    }
    void bury(message& m) {
        m.is = state::dead;
        m.turn = ++turns_;
        if (count(state::dead) <= options_.dead_letters) return;
        ++counts_.evicted;
        discard(*dead().front());
    }

    const work_queue_options options_;
    std::deque<message> all_;  // they stay where they are
    work_queue_stats counts_;
    std::uint64_t turns_ = 0;
};

}  // namespace tidings::testing::detail
