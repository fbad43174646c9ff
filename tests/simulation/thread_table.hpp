/// The threads of a run: which of them can go on, and what the others wait for.
#pragma once

#include "simulation/operation.hpp"
#include "simulation/simulated_thread.hpp"
#include "simulation/thread_state.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tidings::simulation {

class thread_table {
public:
    using list = std::vector<std::unique_ptr<simulated_thread>>;

    simulated_thread& add(std::string name, std::unique_ptr<work> todo) {
        const thread_id number{first_number + threads_.size()};
        threads_.push_back(std::make_unique<simulated_thread>(number, std::move(name), std::move(todo)));
        enable(*threads_.back());
        return *threads_.back();
    }

    /// In the order of their numbers.
    const list& all() const noexcept { return threads_; }
    list& all() noexcept { return threads_; }

    /// In an order that depends on nothing but the schedule.
    const std::vector<simulated_thread*>& able() const noexcept { return able_; }

    simulated_thread& operator[](thread_id who) {
        return *threads_.at(static_cast<std::size_t>(who.number() - first_number));
    }

    bool all_ended() const noexcept { return ended_ == threads_.size(); }
    bool one_is_left() const noexcept { return ended_ + 1 == threads_.size(); }
    bool anybody_waits_for_a_condition() const noexcept { return conditions_ != 0; }
    bool anybody_has_a_deadline() const noexcept { return deadlines_ != 0; }
    bool anybody_waits_for(const void* object) const noexcept {
        return std::any_of(threads_.begin(), threads_.end(), [&](const auto& t) { return t->waits_for(object); });
    }

    /// Grows whenever a thread begins or stops to be able.
    std::uint64_t changes() const noexcept { return changes_; }

    void block(simulated_thread& t, const waiting& reason) noexcept {
        t.waits = reason;
        t.state = simulated_thread::condition::blocked;
        count(reason, +1);
        disable(t);
    }

    void end(simulated_thread& t) noexcept {
        t.state = simulated_thread::condition::ended;
        ++ended_;
        disable(t);
    }

    void wake(simulated_thread& t, wake_reason reason) {
        count(t.waits, -1);
        t.woken = reason;
        t.state = simulated_thread::condition::able;
        enable(t);
    }

    void wake_all(const void* object) {
        for (const auto& t : threads_)
            if (t->waits_for(object)) wake(*t, wake_reason::notified);
    }

    /// Wakes the one that `pick(count)` says, of those that are blocked and meet `predicate`.
    template <class Predicate, class Pick>
    void wake_one(wake_reason reason, Predicate predicate, Pick pick) {
        const auto meets = [&](const auto& t) {
            return t->state == simulated_thread::condition::blocked && predicate(*t);
        };
        const auto waiters = static_cast<std::size_t>(std::count_if(threads_.begin(), threads_.end(), meets));
        if (waiters == 0) return;
        std::size_t skip = pick(waiters);
        for (const auto& t : threads_)
            if (meets(t) && skip-- == 0) return wake(*t, reason);
    }

    /// `never` if nobody has one.
    time_point earliest_deadline() const noexcept {
        time_point earliest = never;
        for (const auto& t : threads_)
            if (t->state == simulated_thread::condition::blocked) earliest = std::min(earliest, t->waits.deadline);
        return earliest;
    }

    void wake_due(time_point now) {
        for (const auto& t : threads_)
            if (t->state == simulated_thread::condition::blocked && t->waits.deadline <= now)
                wake(*t, wake_reason::timed_out);
    }

private:
    static constexpr std::uint64_t first_number = 2;  // the program's main thread is 1

    void enable(simulated_thread& t) {
        t.place = able_.size();
        able_.push_back(&t);
        ++changes_;
    }

    void disable(simulated_thread& t) noexcept {
        able_.back()->place = t.place;
        able_[t.place] = able_.back();
        able_.pop_back();
        ++changes_;
    }

    void count(const waiting& reason, int change) noexcept {
        if (reason.what == operation::condition_wait) conditions_ += change;
        if (reason.deadline != never) deadlines_ += change;
    }

    list threads_;
    std::vector<simulated_thread*> able_;
    std::size_t ended_ = 0;
    int conditions_ = 0;
    int deadlines_ = 0;
    std::uint64_t changes_ = 0;
};

}  // namespace tidings::simulation
