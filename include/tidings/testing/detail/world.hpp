/// What a simulation, its executor and its clock share.
#pragma once

#include <tidings/base/idle_hook.hpp>
#include <tidings/base/job.hpp>
#include <tidings/base/sync.hpp>
#include <tidings/executor/clock.hpp>
#include <tidings/executor/executor.hpp>
#include <tidings/executor/task.hpp>
#include <tidings/testing/detail/random_stream.hpp>
#include <tidings/testing/detail/stage.hpp>

#include <chrono>
#include <cstdint>
#include <mutex>
#include <utility>

namespace tidings::testing::detail {

/// A stage, as the library sees it.
class world final : public tidings::detail::executor_port, public tidings::detail::clock_port, public base::idle_hook {
public:
    using time_point = std::chrono::steady_clock::time_point;

    explicit world(std::uint64_t seed) noexcept : steps{seed, *this}, chance_{random_stream{~seed}.next()} {}

    stage steps;
    base::idle_hook* outer = nullptr;  ///< of the thread that made this, before

    // ---- executor_port

    void post(task work) noexcept override {
        base::job& job = work.release();
        if (!steps.post(job)) job.act(job, false);
    }

    bool runs_here() const noexcept override { return steps.in_step(); }
    bool help() override { return steps.at_home() && steps.run(1) != 0; }
    unsigned width() const noexcept override { return 64; }
    unsigned batch() const noexcept override { return 1; }

    // ---- clock_port

    time_point now() const noexcept override { return steps.now(); }

    std::chrono::system_clock::time_point system_now() const noexcept override {
        constexpr std::chrono::sys_days first_day{std::chrono::year{2000} / 1 / 1};
        return first_day + std::chrono::duration_cast<std::chrono::system_clock::duration>(now().time_since_epoch());
    }

    std::uint64_t random() noexcept override {
        const std::lock_guard lock{mutex_};
        return chance_.next();
    }

    std::uint64_t random(std::uint64_t bound) noexcept {
        const std::lock_guard lock{mutex_};
        return chance_.below(bound);
    }

    void call_at(tidings::detail::alarm& a, time_point due) override { steps.call_at(a, due); }
    bool cancel(tidings::detail::alarm& a) noexcept override { return steps.cancel(a); }

    // ---- idle_hook

    bool go_on(time_point deadline, bool again) override {
        if (!steps.at_home() || outer == nullptr) return steps.go_on(deadline, again);
        // The steps of an outer simulation, too, but its time is its own.
        return steps.go_on(time_point::min(), again) || outer->go_on(time_point::min(), again) ||
               steps.go_on(deadline, true);
    }

private:
    base::mutex mutex_;
    random_stream chance_;  // guarded by mutex_; another one than that of the steps, whose order it does not change
};

}  // namespace tidings::testing::detail
