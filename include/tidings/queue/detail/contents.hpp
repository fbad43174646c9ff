/// What a work queue holds, and how messages pass from one state to another.
#pragma once

#include <tidings/executor/alarm_queue.hpp>
#include <tidings/queue/detail/message.hpp>
#include <tidings/queue/detail/message_list.hpp>
#include <tidings/queue/detail/ready_messages.hpp>
#include <tidings/queue/priority_order.hpp>
#include <tidings/queue/work_queue_stats.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace tidings::work_queue_detail {

/// Guarded by its queue's lock. Nothing but reserve() allocates or throws. What is at its end goes to `gone`, for
/// whoever holds the lock to release when it does not any more: that is user code.
class contents {
public:
    contents(priority_order order, duration lease, unsigned max_attempts, std::size_t most_dead) noexcept
        : lease_{lease}, max_attempts_{max_attempts != 0 ? max_attempts : 1}, most_dead_{most_dead}, ready_{order} {}

    work_queue_stats counts;  ///< what is not to be seen from the sizes
    message_list gone;
    std::size_t left = 0;      ///< messages that gave up their place, and nobody has taken note of it
    std::size_t has_come = 0;  ///< messages that became ready, and nobody has taken note of it
    std::size_t pulled = 0;    ///< leased to receivers, and not to workers

    std::size_t size() const noexcept { return ready_.size() + delayed_.size() + leased_.size(); }
    std::size_t ready() const noexcept { return ready_.size(); }

    /// When the next delay is over, or lease; the end of time if there is none.
    time_point next_due() const noexcept {
        const auto due = [](const tidings::detail::alarm* a) { return a != nullptr ? a->due : time_point::max(); };
        return std::min(due(delayed_.first()), due(leased_.first()));
    }

    /// Room for so many. Throws std::bad_alloc.
    void reserve(std::size_t messages) {
        delayed_.reserve(messages);
        leased_.reserve(messages);
    }

    // --- In --------------------------------------------------------------------------------------------------------

    void add(message& m, duration delay, time_point now) noexcept {
        m.id = ++last_id_;
        m.pushed = now;
        ++counts.pushed;
        make_ready_after(m, delay, now);
    }

    /// Makes room for `pushed`, which has been added; itself maybe. Returns whether it stays.
    bool drop_least(message& pushed) noexcept {
        message* victim = ready_.take_least();
        if (victim == nullptr) {
            victim = &pushed;
            delayed_.remove(pushed);
        }
        ++counts.dropped;
        leave(*victim);
        return victim != &pushed;
    }

    /// Moves what is due, first what was due first; but only some of it: the lock is not held for long. Returns whether
    /// something was.
    bool look_at_time(time_point now) noexcept {
        unsigned budget = 64;
        for (; budget != 0; --budget) {
            const tidings::detail::alarm* const delayed = delayed_.first();
            const tidings::detail::alarm* const leased = leased_.first();
            const bool ends = leased != nullptr && leased->due <= now;
            if (delayed != nullptr && delayed->due <= now && !(ends && leased->due < delayed->due))
                make_ready(static_cast<message&>(*delayed_.pop()), now);
            else if (ends) expire(static_cast<message&>(*leased_.first()), now);
            else break;
        }
        return budget != 64;
    }

    // --- Out -------------------------------------------------------------------------------------------------------

    /// The next one, leased, and not begun; null: none is ready.
    message* take(time_point now) noexcept {
        message* const taken = ready_.take();
        if (taken == nullptr) return nullptr;
        taken->where = whereabouts::leased;
        ++taken->token;
        leased_.push(*taken, later(now, lease_));
        return taken;
    }

    /// An attempt begins, and with it a lease of full length.
    void begin(message& m, time_point now, bool by_receiver) noexcept {
        m.fetched_in = nullptr;
        ++m.attempts;
        m.pulled = by_receiver;
        if (by_receiver) ++pulled;
        extend(m, lease_, now);
    }

    /// It was fetched in advance, and not begun.
    void give_back(message& m) noexcept {
        m.fetched_in = nullptr;
        end_lease(m);
        ready_.put_back(m);
        ++has_come;
    }

    static bool owns(const message& m, std::uint64_t token) noexcept {
        return m.where == whereabouts::leased && m.token == token;
    }

    // With a lease that is one's own.

    void ack(message& m) noexcept {
        end_lease(m);
        ++counts.acked;
        leave(m);
    }

    void extend(message& m, duration by, time_point now) noexcept {
        const time_point until = later(now, by);
        if (m.due == until) return;
        leased_.remove(m);
        leased_.push(m, until);
    }

    /// `why` may be null.
    void nack(message& m, duration delay, std::unique_ptr<failures>& why, time_point now) noexcept {
        end_lease(m);
        note(m, why, "nack");
        fail(m, delay, now);
    }

    void reject(message& m, std::unique_ptr<failures>& why, time_point now) noexcept {
        end_lease(m);
        note(m, why, "rejected");
        bury(m, now);
    }

    // --- Dead letters ----------------------------------------------------------------------------------------------

    const message_list& dead() const noexcept { return dead_; }

    /// Null: there is none of that id. Linear.
    message* find_dead(std::uint64_t id) const noexcept {
        for (message* each = dead_.front(); each != nullptr; each = each->next)
            if (each->id == id) return each;
        return nullptr;
    }

    /// Takes it for a new message; `died` is for its history. Throws std::bad_alloc, and nothing has changed then.
    void redrive(message& m, dead_message::time_point died, time_point now) {
        if (m.past == nullptr) m.past = std::make_unique<failures>();
        m.past->earlier.push_back({std::string{error_of(m)}, m.attempts, died});
        dead_.remove(m);
        m.attempts = 0;
        make_ready(m, now);
    }

    void discard(message& m) noexcept {
        dead_.remove(m);
        ++counts.discarded;
        m.where = whereabouts::nowhere;
        gone.push_back(m);
    }

    // --- The end ---------------------------------------------------------------------------------------------------

    void clear() noexcept {
        while (message* const m = ready_.take_any()) leave(*m);
        while (tidings::detail::alarm* const m = delayed_.pop()) leave(static_cast<message&>(*m));
        while (tidings::detail::alarm* const m = leased_.pop()) leave(static_cast<message&>(*m));
        while (message* const m = dead_.front()) discard(*m);
    }

    work_queue_stats stats(time_point now) const noexcept {
        work_queue_stats seen = counts;
        seen.ready = ready_.size();
        seen.delayed = delayed_.size();
        seen.leased = leased_.size();
        seen.dead = dead_.size();
        if (const message* const first = ready_.oldest()) seen.oldest_age = now - first->since;
        return seen;
    }

private:
    void make_ready(message& m, time_point now) noexcept {
        m.since = now;
        ready_.push_back(m);
        ++has_come;
    }

    void make_ready_after(message& m, duration delay, time_point now) noexcept {
        if (delay <= duration::zero()) return make_ready(m, now);
        m.where = whereabouts::delayed;
        delayed_.push(m, later(now, delay));
    }

    void end_lease(message& m) noexcept {
        leased_.remove(m);
        if (std::exchange(m.pulled, false)) --pulled;
    }

    void leave(message& m) noexcept {
        m.where = whereabouts::nowhere;
        gone.push_back(m);
        ++left;
    }

    void expire(message& m, time_point now) noexcept {
        ++counts.expired;
        if (m.fetched_in != nullptr) {  // no attempt began
            m.fetched_in->remove(m);
            give_back(m);
            return;
        }
        end_lease(m);
        std::unique_ptr<failures> none;
        note(m, none, "the lease ran out");
        fail(m, {}, now);
    }

    /// `why` may be null: nobody gave a reason, or there was no memory for it.
    static void note(message& m, std::unique_ptr<failures>& why, const char* otherwise) noexcept {
        m.unexplained = otherwise;
        if (m.past == nullptr) m.past = std::move(why);
        else if (why != nullptr) m.past->error.swap(why->error);
        else m.past->error.clear();
    }

    void fail(message& m, duration delay, time_point now) noexcept {
        if (m.attempts < max_attempts_) make_ready_after(m, delay, now);
        else bury(m, now);
    }

    void bury(message& m, time_point now) noexcept {
        m.since = now;
        m.where = whereabouts::dead;
        dead_.push_back(m);
        ++left;
        if (dead_.size() <= most_dead_) return;
        ++counts.evicted;
        discard(*dead_.front());
    }

    const duration lease_;
    const unsigned max_attempts_;
    const std::size_t most_dead_;

    ready_messages ready_;
    tidings::detail::alarm_queue delayed_;
    tidings::detail::alarm_queue leased_;
    message_list dead_;
    std::uint64_t last_id_ = 0;
};

}  // namespace tidings::work_queue_detail
