/// Which executors the calling thread works for at the moment.
#pragma once

#include <tidings/base/sync.hpp>
#include <tidings/executor/executor.hpp>

namespace tidings::detail {

/// Stands on the stack while a task of ours runs: so an executor of a user's own need not know its threads.
class executor_scope {
public:
    explicit executor_scope(const executor_port* which) noexcept : executor_{which}, outer_{here()} {
        base::thread_pointer<const executor_scope>::set(this);
    }
    ~executor_scope() { base::thread_pointer<const executor_scope>::set(outer_); }
    executor_scope(const executor_scope&) = delete;
    executor_scope& operator=(const executor_scope&) = delete;

    static bool runs(const executor_port* which) noexcept {
        for (const executor_scope* s = here(); s != nullptr; s = s->outer_)
            if (s->executor_ == which) return true;
        return false;
    }

    /// The innermost, or null.
    static const executor_port* current() noexcept { return here() != nullptr ? here()->executor_ : nullptr; }

private:
    static const executor_scope* here() noexcept { return base::thread_pointer<const executor_scope>::get(); }

    const executor_port* const executor_;
    const executor_scope* const outer_;
};

}  // namespace tidings::detail
