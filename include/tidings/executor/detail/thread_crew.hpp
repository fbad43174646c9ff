/// The threads of a pool, as what has to be joined.
#pragma once

#include <tidings/base/config.hpp>
#include <tidings/base/sync.hpp>

#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace tidings::detail {

/// Starts threads, which may end one by one, and ends them all. Thread-safe; its lock is held while a thread starts.
class thread_crew {
public:
    enum class at_the_end { join, detach };

    explicit thread_crew(at_the_end how) noexcept : detaches_{how == at_the_end::detach} {}

    /// Starts a thread that calls `function(n)`, with n its number from 1. False: the system gives none, or end() was
    /// called; then `function` was not.
    template <class Function>
    bool start(Function function) noexcept {
        const std::lock_guard lock{mutex_};
        if (ended_) return false;
        TIDINGS_TRY {
            if (!detaches_) handles_.reserve(handles_.size() + 1);  // so that nothing fails once there is a thread
            base::thread made{std::move(function), started_ + 1};
            ++started_;
            if (detaches_) made.detach();
            else handles_.push_back(std::move(made));
            return true;
        }
        TIDINGS_CATCH_ALL {}
        return false;
    }

    /// The calling thread, one of these, is about to end. It leaves its handle, and joins the one that left before: so
    /// there is never more than one that has ended and is not joined.
    void leave() noexcept {
        base::thread before;
        {
            const std::lock_guard lock{mutex_};
            for (base::thread& each : handles_) {
                if (each.get_id() != base::this_thread_id()) continue;
                before = std::exchange(left_, std::move(each));
                if (&each != &handles_.back()) each = std::move(handles_.back());  // NOLINT(bugprone-use-after-move)
                handles_.pop_back();
                break;
            }
        }
        if (before.joinable()) before.join();
    }

    /// No thread starts any more, and those that did have ended but for the calling one, which is let go; so are all if
    /// the caller may not wait.
    void end(bool may_wait) noexcept {
        std::vector<base::thread> handles;
        base::thread left;
        {
            const std::lock_guard lock{mutex_};
            ended_ = true;
            handles.swap(handles_);
            left.swap(left_);
        }
        for (base::thread& each : handles) end(each, may_wait);
        end(left, may_wait);
    }

private:
    static void end(base::thread& each, bool may_wait) noexcept {
        if (!each.joinable()) return;
        if (!may_wait || each.get_id() == base::this_thread_id()) each.detach();
        else each.join();
    }

    const bool detaches_;
    base::mutex mutex_;

    // Guarded by mutex_.
    std::vector<base::thread> handles_;
    base::thread left_;
    unsigned started_ = 0;
    bool ended_ = false;
};

}  // namespace tidings::detail
