/// Wakes those who wait until nothing is under way on a bus.
#pragma once

#include <tidings/base/idle_hook.hpp>
#include <tidings/base/sync.hpp>

#include <chrono>
#include <cstdint>
#include <mutex>

namespace tidings::detail {

class quiet_signal {
public:
    /// To be taken before one looks whether all is quiet.
    std::uint64_t changes() const noexcept {
        std::lock_guard lock{mutex_};
        return changes_;
    }

    void changed() noexcept {
        {
            std::lock_guard lock{mutex_};
            ++changes_;
        }
        changed_.notify_all();
    }

    /// Waits for a change since `seen`, at most until `deadline`; returns whether there was one.
    bool wait(std::uint64_t seen, std::chrono::steady_clock::time_point deadline) {
        std::unique_lock lock{mutex_};
        while (changes_ == seen) {
            if (deadline == base::idle_hook::never) changed_.wait(lock);
            else if (changed_.wait_until(lock, deadline) == std::cv_status::timeout) return changes_ != seen;
        }
        return true;
    }

private:
    mutable base::mutex mutex_;
    base::condition_variable changed_;
    std::uint64_t changes_ = 0;  // guarded by mutex_
};

}  // namespace tidings::detail
