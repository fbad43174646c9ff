/// Operations at random on a queue, and on a model of one.
#pragma once

#include <tidings/core/delivery.hpp>
#include <tidings/queue/push.hpp>
#include <tidings/queue/work_queue_options.hpp>
#include <tidings/testing/detail/queue_model.hpp>
#include <tidings/testing/detail/queue_under_test.hpp>
#include <tidings/testing/detail/random_stream.hpp>
#include <tidings/testing/message_queue_guarantees.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace tidings::testing::detail {

/// Delays are whole units and leases end in the middle of one, no two at the same time; and before each operation some
/// units pass and one resolution, which all of them together are less than a quarter of a unit. So the model knows
/// what is over.
template <class Make>
class queue_history {
public:
    queue_history(const queue_maker<Make>& maker, std::uint64_t seed, unsigned steps)
        : maker_{maker},
          random_{seed},
          unit_{unit_for(maker, steps)},
          options_{options()},
          model_{options_},
          queue_{maker, options_},
          steps_{steps} {}

    void run() {
        for (unsigned n = 0; n != steps_; ++n) step();
        drain();
    }

private:
    using guarantees = message_queue_guarantees;
    using duration = queue_model::duration;
    using message = queue_model::message;
    struct held {
        typename queue_under_test<Make>::lease lease;
        message* of;
        unsigned attempt;
        std::size_t redriven;
        /// Whether it is the one that counts.
        bool is_valid() const {
            return of->is == queue_model::state::leased && of->attempts == attempt && of->redriven == redriven;
        }
    };

    static duration unit_for(const queue_maker<Make>& maker, unsigned steps) {
        return std::max<duration>(std::chrono::milliseconds{1}, maker.guarantees.resolution * (steps + 1'000) * 4);
    }

    work_queue_options options() {
        std::vector<overflow> policies;
        if (maker_.promises(&guarantees::reject)) policies.push_back(overflow::reject);
        if (maker_.promises(&guarantees::drop_newest)) policies.push_back(overflow::drop_newest);
        if (maker_.promises(&guarantees::drop_oldest) && maker_.promises(&guarantees::order))
            policies.push_back(overflow::drop_oldest);
        work_queue_options made;
        made.lease = duration{unit_ * (2 + below(10)) + unit_ / 2};
        made.max_attempts = static_cast<unsigned>(1 + below(4));
        if (maker_.promises(&guarantees::dead_letter_bound)) made.dead_letters = 3;
        made.when_full =
            policies.empty() ? overflow::block : policies[static_cast<std::size_t>(below(policies.size()))];
        if (!policies.empty()) made.capacity = static_cast<std::size_t>(1 + below(12));
        return made;
    }

    std::int64_t below(std::size_t bound) { return static_cast<std::int64_t>(random_.below(bound)); }
    bool one_in(unsigned n) { return random_.below(n) == 0; }

    void step() {
        pass(one_in(4) ? below(20) : below(2));
        switch (random_.below(8)) {
            case 0:
            case 1:
            case 2:
                return push();
            case 3:
            case 4:
                return receive();
            case 5:
                return dead_letter();
            default:
                return settle();
        }
    }

    /// One unit at least, so that what begins now ends when nothing else does.
    void pass(std::int64_t units) {
        queue_.sim().advance(unit_ * (units + 1) + maker_.guarantees.resolution);
        whole_units_ += unit_ * (units + 1);
        model_.look_at_time(now());
    }

    /// Without the resolutions.
    queue_model::time_point now() const { return queue_model::time_point{whole_units_}; }

    duration time_to_end(duration part) {
        duration made = unit_ * (1 + below(15)) + part;
        while (model_.is_taken(now() + made)) made += unit_;
        return made;
    }

    void push() {
        const int priority = maker_.promises(&guarantees::priorities) ? static_cast<int>(below(5)) - 2 : 0;
        const duration delay = one_in(3) ? time_to_end({}) : duration{};
        std::string value = std::to_string(++pushed_);
        if (options_.when_full == overflow::block && model_.counts().pushed == options_.capacity) return;
        const push_result right = model_.push(value, priority, delay, now());
        const push_result seen = queue_->push(std::move(value), {.priority = priority, .delay = delay});
        expect_equal(seen, right, "a push says what became of it", "push_result");
        compare();
    }

    void receive() {
        while (model_.is_taken(now() + options_.lease)) pass(0);
        auto got = queue_->try_receive();
        const auto right = model_.next(maker_.promises(&guarantees::order));
        expect(static_cast<bool>(got) == !right.empty(), "what is ready can be received, and nothing else",
               got ? "something else was received" : "nothing was received");
        if (!got) return;
        const auto found = std::ranges::find(right, std::as_const(*got).value(), &message::value);
        if (found == right.end())
            breaks("messages are received in order", got->value() + " instead of " + right.front()->value);
        message& of = **found;
        model_.lease(of, now());
        expect_equal(got->attempt(), of.attempts, "attempts are counted from 1", "an attempt");
        held_.push_back({std::move(*got), &of, of.attempts, of.redriven});
        compare();
    }

    void settle() {
        if (held_.empty()) return;
        const auto which = held_.begin() + below(held_.size());
        held& one = *which;
        const bool is_valid = one.is_valid();
        const std::string why = "because " + std::to_string(random_.below(100));
        bool accepted = is_valid;
        switch (random_.below(6)) {
            case 0:
            case 1:
                accepted = one.lease.ack();
                if (is_valid) model_.ack(*one.of);
                break;
            case 2: {
                const duration delay = one_in(2) ? time_to_end({}) : duration{};
                accepted = one.lease.nack(delay, why);
                if (is_valid) model_.nack(*one.of, delay, why, now());
                break;
            }
            case 3:
                accepted = one.lease.reject(why);
                if (is_valid) model_.reject(*one.of, why);
                break;
            case 4: {
                const duration by = time_to_end(unit_ / 2);
                accepted = one.lease.extend(by);
                if (is_valid) one.of->due = now() + by;
                break;
            }
            default:
                if (is_valid) model_.nack(*one.of, {}, "", now());
                held_.erase(which);
                break;
        }
        expect(accepted == is_valid, "a settlement is accepted from whose lease it is, and from nobody else",
               is_valid ? "it was refused" : "it was accepted");
        compare();
        if (one_in(2) && !held_.empty()) forget_ended();
    }

    /// Others stay, to settle late.
    void forget_ended() {
        const auto ended = std::ranges::find_if(held_, [](const held& each) { return !each.is_valid(); });
        if (ended != held_.end()) held_.erase(ended);
    }

    void dead_letter() {
        const auto right = model_.dead();
        const auto seen = queue_.dead();
        expect_equal(seen.size(), right.size(), "what was given up is a dead letter", "dead letters");
        for (std::size_t n = 0; n != right.size(); ++n) {
            expect_equal(seen[n].attempts, right[n]->attempts, "a dead letter knows its attempts", "attempts");
            expect(right[n]->error.empty() || seen[n].error == right[n]->error, "a dead letter has the last error",
                   "it has another");
        }
        if (right.empty()) return;
        const auto n = static_cast<std::size_t>(below(right.size()));
        if (maker_.promises(&guarantees::redrive) && one_in(2)) {
            const bool has_room = model_.redrive(*right[n]);
            expect_equal(queue_->dead_letters().redrive(seen[n].id), has_room, "a dead letter can be redriven",
                         "redrive()");
        } else {
            model_.discard(*right[n]);
            expect(queue_->dead_letters().discard(seen[n].id), "a dead letter can be discarded", "it could not");
        }
        compare();
    }

    void compare() {
        using state = queue_model::state;
        const work_queue_stats seen = queue_.stats();
        const work_queue_stats& right = model_.counts();
        constexpr const char* promise = "the account adds up";
        expect_equal(seen.accounted(), seen.pushed, promise, "all outcomes");
        expect_equal(seen.pushed, right.pushed, promise, "pushed");
        expect_equal(seen.rejected, right.rejected, promise, "rejected");
        expect_equal(seen.acked, right.acked, promise, "acked");
        expect_equal(seen.dropped, right.dropped, promise, "dropped");
        expect_equal(seen.discarded, right.discarded, promise, "discarded");
        expect_equal(seen.evicted, right.evicted, promise, "evicted");
        expect_equal(seen.expired, right.expired, promise, "expired");
        expect_equal(seen.leased, std::uint64_t{model_.count(state::leased)}, promise, "leased");
        expect_equal(seen.dead, std::uint64_t{model_.count(state::dead)}, promise, "dead");
        expect_equal(seen.ready + seen.delayed,
                     std::uint64_t{model_.count(state::ready) + model_.count(state::delayed)}, promise,
                     "ready and delayed");
    }

    /// Every message has its end, once.
    void drain() {
        held_.clear();
        pass(0);
        queue_.sim().advance(options_.lease + unit_ * 100);
        std::size_t received = 0;
        while (auto got = queue_->try_receive()) {
            expect(++received <= options_.capacity, "each message has one end", "there are more than were pushed");
            expect(got->ack(), "a lease is its receiver's until it ends", "ack() was refused at once");
        }
        const work_queue_stats end = queue_.stats();
        expect_equal(end.ready + end.delayed + end.leased, std::uint64_t{0}, "each message has one end", "those left");
        expect_equal(end.acked + end.dropped + end.discarded + end.dead, end.pushed, "each message has one end",
                     "ends");
    }

    const queue_maker<Make>& maker_;
    random_stream random_;
    const duration unit_;
    const work_queue_options options_;
    queue_model model_;
    queue_under_test<Make> queue_;
    const unsigned steps_;
    duration whole_units_{};
    std::uint64_t pushed_ = 0;
    std::vector<held> held_;
};

}  // namespace tidings::testing::detail
