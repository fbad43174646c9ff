/// Executors as threads that wait know them, and which of them the calling thread works for at the moment.
#pragma once

#include <tidings/base/sync.hpp>

namespace tidings::base {

struct executor_mark {
    const void* address = nullptr;  ///< of what nobody else has; null: no executor
    unsigned threads = 1;           ///< how many tasks it runs at the same time, at most
    /// The thread that runs its tasks when it comes to that; null: threads that do nothing else.
    const atomic<thread_id>* loop = nullptr;
};

/// Stands on the stack while a task of ours runs: so an executor of a user's own need not know its threads. The
/// executor is known by its address.
class executor_scope {
public:
    explicit executor_scope(const void* executor) noexcept : executor_{executor}, outer_{innermost()} {
        thread_pointer<const executor_scope>::set(this);
    }
    ~executor_scope() { thread_pointer<const executor_scope>::set(outer_); }
    executor_scope(const executor_scope&) = delete;
    executor_scope& operator=(const executor_scope&) = delete;

    /// Of the calling thread; null if it works for none.
    static const executor_scope* innermost() noexcept { return thread_pointer<const executor_scope>::get(); }

    /// Whether a thread whose innermost scope is `scope` works for that executor.
    static bool runs(const executor_scope* scope, const void* executor) noexcept {
        for (; scope != nullptr; scope = scope->outer_)
            if (scope->executor_ == executor) return true;
        return false;
    }

private:
    const void* const executor_;
    const executor_scope* const outer_;
};

}  // namespace tidings::base
