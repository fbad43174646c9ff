/// Runs the threads of a program one at a time, on one thread of the operating system, in an order that a seed
/// decides.
///
/// Every operation on an atomic, a mutex, a condition variable or a fence is a preemption point: before it any
/// other thread may go on. So every interleaving of such operations can happen, and memory is sequentially
/// consistent: what only a weaker order allows is not found. A preemption point also follows each unlock(), and in
/// every other schedule each write: otherwise what a thread does between a write and its next operation would
/// never overlap with what that write allows others to do. (In the remaining ones it would only dilute chance.)
///
/// A run that does not complete leaves its threads where they stopped. Nothing on their stacks is destroyed,
/// because what is there may wait for other threads that will not go on: their objects are leaked, on purpose, and
/// thread exit functions do not run. What they hold of the program's static state stays held: after a failure, end
/// the process, or let no later run depend on such state (process_wide() gives each run its own).
///
/// Shared by all threads of a run, unlike in a real program: thread_local variables, errno, and the locale. Real
/// threads of the operating system must not touch what is simulated.
#pragma once

#include "simulation/account.hpp"
#include "simulation/chooser.hpp"
#include "simulation/history.hpp"
#include "simulation/options.hpp"
#include "simulation/outcome.hpp"
#include "simulation/process_objects.hpp"
#include "simulation/simulated_thread.hpp"
#include "simulation/thread_table.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidings::simulation {

class scheduler {
public:
    using body = std::function<void(scheduler&)>;

    explicit scheduler(options chosen) : options_{resolve(chosen)}, chooser_{options_} {
        const auto coin = [&] { return !chooser_.cooperative() && chooser_.random().below(2) == 1; };
        after_writes_ = coin();
        spurious_wakeups_ = coin() ? options_.spurious_wakeups : 0;
        weak_failures_ = coin() ? options_.weak_failures : 0;
        early_timeouts_ = coin() ? options_.early_timeouts : 0;
    }
    scheduler(const scheduler&) = delete;
    scheduler& operator=(const scheduler&) = delete;

    /// The one that runs, or null.
    static scheduler* current() noexcept { return current_; }

    /// What decides the schedule: with a strategy and a number of steps in place of "any".
    const options& chosen() const noexcept { return options_; }

    // ---- For the body of a run, which is the first thread, 'main'.

    /// Starts a thread. No preemption point: those that one thread starts in a row have the same chance to be first.
    template <class Function>
    thread_id spawn(std::string_view name, Function function) {
        return add(std::string{name}, work::of(std::move(function))).id;
    }

    void join(thread_id who) {
        simulated_thread& awaited = threads_[who];
        step(operation::join, &awaited);
        while (awaited.state != simulated_thread::condition::ended) block({operation::join, &awaited});
    }

    /// The run ends only after the thread has, and nobody needs to join it.
    void detach(thread_id who) { threads_[who].detached = true; }

    /// Waits until all threads but the calling one have ended. A body calls it while what its threads use lives.
    void join_all() {
        for (std::size_t i = 0; i != threads(); ++i) {  // it may grow
            const thread_id each = threads_.all()[i]->id;
            if (each != running_->id) join(each);
        }
    }

    std::size_t threads() const noexcept { return threads_.all().size(); }

    time_point now() const noexcept { return now_; }
    void sleep_until(time_point due) {
        step(operation::sleep, nullptr);
        while (now_ < due) block({operation::sleep, running_, nullptr, due});
    }
    void sleep_for(std::chrono::nanoseconds duration) { sleep_until(now_ + duration); }

    /// In [0, bound), from the seed: for bodies that vary.
    std::uint64_t random(std::uint64_t bound) noexcept { return chooser_.random().below(bound); }

    /// What accounts call an object that threads wait for.
    void name(const void* object, std::string called) { names_.give(object, std::move(called)); }

    std::string name_of(operation what, const void* object) { return names_.of(what, object); }

    /// Ends the run as failed. No destructor runs and no exception flies: it may be called from anywhere.
    [[noreturn]] void fail(std::string_view text) {
        end(verdict::failed, "in '" + running_->name + "': " + std::string{text});
    }

    // ---- For the primitives.

    /// A preemption point, and then what the calling thread is about to do.
    void step(operation what, const void* object) {
        point();
        record(what, object);
    }

    /// A preemption point after what has been done.
    void step_after(operation what, const void* object) {
        record(what, object);
        point();
    }

    /// After a write, in the schedules that have such points.
    void written() {
        if (after_writes_) point();
    }

    /// A preemption point of a thread that cannot get further until another one has.
    void yield() {
        begin_step();
        // Threads that only spin must not keep from others the time that those wait for.
        if (std::exchange(changes_seen_, threads_.changes()) != threads_.changes()) idle_yields_ = 0;
        if (++idle_yields_ > 100 * threads_.able().size()) move_time();
        go_on_with(chooser_.after_yield(threads_.able(), *running_));
        record(operation::yield, nullptr);
    }

    /// Until another thread wakes the calling one, or the deadline.
    wake_reason block(waiting reason) {
        simulated_thread& self = *running_;
        record(operation::block, reason.object);
        threads_.block(self, reason);
        find_able();
        go_on_with(chooser_.after_block(threads_.able(), self));
        return self.woken;
    }

    void wake_all(const void* object) { threads_.wake_all(object); }

    void wake_one(const void* object) {
        wake_any(wake_reason::notified, [&](const simulated_thread& t) { return t.waits_for(object); });
    }

    bool anybody_waits_for(const void* object) const noexcept { return threads_.anybody_waits_for(object); }

    bool weak_failure() noexcept { return chooser_.random().one_in(weak_failures_); }

    process_objects& objects() noexcept { return objects_; }

    // ----

    outcome run(const body& main) {
        if (current_ != nullptr) throw std::logic_error{"a simulation inside a simulation"};
        add("main", work::of([&] {
                main(*this);
                for (const auto& t : threads_.all())
                    if (!t->detached && t->state != simulated_thread::condition::ended && t.get() != running_)
                        fail("the body ends before '" + t->name +
                             "', which may use what is the body's: join_all() first");
                join_all();
            }));
        current_ = this;
        make_current(*threads_.all().front());
        fiber::swap(outside_, *running_->fiber);
        running_thread = nullptr;
        current_ = nullptr;
        for (auto& t : threads_.all()) bury(t);
        if (!outcome_.completed()) leak(std::move(objects_));
        outcome_.trace = past_.hash();
        outcome_.elapsed = now_ - outside_now;
        return std::move(outcome_);
    }

private:
    static options resolve(options chosen) {
        if (chosen.strategy == strategy::alternate)
            chosen.strategy = chosen.seed % 2 == 1 ? strategy::pct : strategy::uniform;
        if (chosen.expected_steps == 0) chosen.expected_steps = 64;
        return chosen;
    }

    void make_current(simulated_thread& t) noexcept {
        running_ = &t;
        running_thread = &t;
    }

    simulated_thread& add(std::string name, std::unique_ptr<work> todo) {
        simulated_thread& born = threads_.add(std::move(name), std::move(todo));
        chooser_.welcome(born);
        born.fiber->assign(&scheduler::live, &born);
        return born;
    }

    /// What each fiber does.
    static void live(void* thread) noexcept {
        auto& self = *static_cast<simulated_thread*>(thread);
        scheduler& home = *current_;
        home.record(operation::start, nullptr);
        if (const std::string escaped = self.run_function(); !escaped.empty()) home.fail(escaped);
        self.run_exits();
        if (home.threads_.one_is_left()) home.objects_.destroy();
        if (self.locks != 0) home.fail("it ends and holds a mutex");
        home.end_thread(self);
    }

    /// Returns when the fiber has something else to do, in another run.
    void end_thread(simulated_thread& self) {
        record(operation::end, nullptr);
        threads_.end(self);
        wake_all(&self);
        if (threads_.all_ended()) {
            fiber::swap(*self.fiber, outside_);
            return;
        }
        find_able();
        go_on_with(chooser_.after_block(threads_.able(), self));
    }

    [[noreturn]] void end(verdict how, std::string text) {
        stopped_ = running_;
        outcome_.verdict = how;
        outcome_.account = std::move(text) + account_text(threads_.all(), past_, names_);
        fiber::swap(*running_->fiber, outside_);
        std::terminate();  // nobody comes back
    }

    /// A run has ended: a thread that has, too, leaves its fiber to the next run. See the top for the others.
    void bury(std::unique_ptr<simulated_thread>& t) const {
        // A thread that finds a deadlock as it ends is still inside end().
        const bool at_rest = t->state == simulated_thread::condition::ended && t.get() != stopped_;
        if (at_rest) return fiber_pool::here().give_back(std::move(t->fiber));
        fiber_pool::here().abandon(std::move(t->fiber));
        leak(std::move(t));  // its function may own what its stack uses
    }

    /// Keeps something until the process ends.
    template <class T>
    static void leak(T something) {
        static auto& leaked = *new std::vector<T>;
        leaked.push_back(std::move(something));
    }

    void begin_step() {
        if (++outcome_.steps > options_.max_steps) end(verdict::too_long, "");
        if (threads_.anybody_waits_for_a_condition() && chooser_.random().one_in(spurious_wakeups_)) {
            wake_any(wake_reason::spurious,
                     [](const simulated_thread& t) { return t.waits.what == operation::condition_wait; });
        }
        if (threads_.anybody_has_a_deadline() && chooser_.random().one_in(early_timeouts_)) move_time();
    }

    void point() {
        begin_step();
        go_on_with(chooser_.after_step(threads_.able(), *running_));
    }

    void record(operation what, const void* object) {
        running_->last = what;
        running_->last_object = object;
        past_.add(*running_, what, object);
    }

    void go_on_with(simulated_thread& next) noexcept {
        if (&next == running_) return;
        simulated_thread& left = *running_;
        make_current(next);
        fiber::swap(*left.fiber, *next.fiber);
    }

    void find_able() {
        while (threads_.able().empty())
            if (!move_time()) end(verdict::deadlocked, "");
    }

    /// To the earliest deadline; false if nobody has one.
    bool move_time() {
        if (!threads_.anybody_has_a_deadline()) return false;
        now_ = std::max(now_, threads_.earliest_deadline());
        threads_.wake_due(now_);
        return true;
    }

    template <class Predicate>
    void wake_any(wake_reason reason, Predicate predicate) {
        threads_.wake_one(reason, predicate, [this](std::size_t waiters) { return chooser_.waiter(waiters); });
    }

    static inline constinit scheduler* current_ = nullptr;

    const options options_;
    chooser chooser_;

    // This schedule's share of what is on in every other one.
    bool after_writes_ = false;
    std::uint32_t spurious_wakeups_ = 0;
    std::uint32_t weak_failures_ = 0;
    std::uint32_t early_timeouts_ = 0;

    thread_table threads_;
    simulated_thread* running_ = nullptr;
    const simulated_thread* stopped_ = nullptr;  // the one that found that the run cannot go on
    std::uint64_t idle_yields_ = 0;              // since the table last changed
    std::uint64_t changes_seen_ = 0;
    time_point now_ = outside_now;
    fiber outside_;
    history past_{std::max(options_.told_steps, 1U)};
    object_names names_;
    process_objects objects_;
    outcome outcome_;
};

}  // namespace tidings::simulation
