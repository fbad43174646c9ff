/// The clock that shows real time.
#pragma once

#include <tidings/base/config.hpp>
#include <tidings/base/error.hpp>
#include <tidings/base/fork.hpp>
#include <tidings/base/sync.hpp>
#include <tidings/executor/alarm_queue.hpp>
#include <tidings/executor/clock.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <utility>

namespace tidings::detail {

/// Alarms, and the thread that rings them, which is there while it is needed and a while longer.
class alarm_thread {
public:
    explicit alarm_thread(std::uint64_t generation) noexcept : forks{generation} {}
    alarm_thread(const alarm_thread&) = delete;
    alarm_thread& operator=(const alarm_thread&) = delete;

    /// Alarms that are left never ring; one that rings has rung.
    ~alarm_thread() {
        std::unique_lock lock{mutex_};
        stopped_ = true;
        changed_.notify_all();
        while (running_) ended_.wait(lock);
    }

    const std::uint64_t forks;  ///< before the process that its thread is in

    void call_at(alarm& a, alarm::time_point due) {
        bool sooner = false;
        {
            const std::lock_guard lock{mutex_};
            if (!running_) start();
            alarms_.push(a, due);
            sooner = alarms_.first() == &a;
        }
        if (sooner) changed_.notify_one();
    }

    bool cancel(alarm& a) noexcept {
        const std::lock_guard lock{mutex_};
        return alarms_.remove(a) || forget(a);
    }

    /// Whether the alarm was set before a fork(), in the parent: it stands in a queue, and it is none of this process.
    static bool forget(alarm& a) noexcept {
        static constexpr auto nowhere = static_cast<std::size_t>(-1);
        return std::exchange(a.place, nowhere) != nowhere;
    }

private:
    /// How long the thread stays when it has nothing to wait for. It must end some time, because it would be all that
    /// is left of a program whose other threads are done, in a simulation of one that is.
    static constexpr std::chrono::seconds patience{10};

    void start() {
        TIDINGS_TRY {
            base::thread{[this] { run(); }}.detach();
        }
        TIDINGS_CATCH_ALL { fail(); }
        running_ = true;
    }

    [[noreturn]] static void fail() {
#if TIDINGS_HAS_EXCEPTIONS
        throw error{errc::no_threads};
#else
        std::abort();
#endif
    }

    void run() noexcept {
        std::unique_lock lock{mutex_};
        while (!stopped_) {
            alarm* const next = alarms_.first();
            const auto now = base::steady_clock::now();
            if (next == nullptr) {
                if (changed_.wait_until(lock, now + patience) == std::cv_status::timeout && alarms_.empty()) break;
            } else if (now < next->due) {
                const auto due = next->due;  // a copy: the alarm may be taken back, and freed, meanwhile
                changed_.wait_until(lock, due);
            } else {
                alarms_.pop();
                lock.unlock();
                next->ring(*next);
                lock.lock();
            }
        }
        running_ = false;
        ended_.notify_all();  // under the lock: whoever waits destroys all this as soon as it is free
    }

    base::mutex mutex_;
    base::condition_variable changed_;  // there is an earlier first alarm, or it is stopped
    base::condition_variable ended_;
    alarm_queue alarms_;
    bool running_ = false;
    bool stopped_ = false;
};

/// Real time. Alarms ring on one thread, which begins with the first of them. After fork() the child has no alarms,
/// and a thread of its own when it sets one; those of the parent count as taken back there.
class system_clock_port final : public clock_port {
public:
    system_clock_port() = default;
    ~system_clock_port() override {
        alarm_thread* const present = thread_.load(std::memory_order_acquire);
        if (present != nullptr && present->forks == base::fork_count()) delete present;
    }

    std::chrono::steady_clock::time_point now() const noexcept override { return base::steady_clock::now(); }

    std::chrono::system_clock::time_point system_now() const noexcept override {
        return std::chrono::system_clock::now();
    }

    void call_at(alarm& a, alarm::time_point due) override { thread().call_at(a, due); }

    bool cancel(alarm& a) noexcept override {
        // Acquire pairs with thread(). None: no alarm was ever set.
        alarm_thread* const present = thread_.load(std::memory_order_acquire);
        if (present == nullptr) return false;
        return present->forks == base::fork_count() ? present->cancel(a) : alarm_thread::forget(a);
    }

private:
    alarm_thread& thread() {
        const std::uint64_t forks = base::fork_count();
        alarm_thread* present = thread_.load(std::memory_order_acquire);
        if (present != nullptr && present->forks == forks) [[likely]]
            return *present;
        auto* const made = new alarm_thread{forks};
        // What a fork left is never freed: its lock may be held, by a thread that is not there.
        if (thread_.compare_exchange_strong(present, made, std::memory_order_acq_rel)) return *made;
        delete made;
        return *present;
    }

    base::atomic<alarm_thread*> thread_{nullptr};
};

/// What a clock_ref stands for that is empty. Never destroyed.
inline clock_port& default_clock() { return base::process_wide<system_clock_port>(); }

}  // namespace tidings::detail
