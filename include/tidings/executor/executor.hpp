/// Where handlers run that do not run on the publisher's thread.
#pragma once

#include <tidings/base/config.hpp>
#include <tidings/base/executor_scope.hpp>
#include <tidings/base/sync.hpp>
#include <tidings/executor/task.hpp>

#include <atomic>
#include <concepts>
#include <memory>
#include <type_traits>
#include <utility>

namespace tidings {

/// Runs tasks, sooner or later, each once or not at all: a task that it will not run it destroys. post() does not run
/// the task before it returns, unless the executor is meant for that; it may be called from any thread.
///
/// One operation, so that an event loop is an executor with an adapter of one line. One more, if it can tell:
/// `bool runs_here() const noexcept`, whether the calling thread is one that runs its tasks. Without it, code of its
/// own that runs there, outside any task, and waits for a queue that only this executor empties, waits for itself.
template <class X>
concept executor = requires(X& x, task t) { x.post(std::move(t)); };

namespace detail {

/// What the library asks of an executor; its own ones answer more than post().
class executor_port {
public:
    virtual ~executor_port() = default;
    executor_port() = default;
    executor_port(const executor_port&) = delete;
    executor_port& operator=(const executor_port&) = delete;

    /// A task that cannot be taken is destroyed.
    virtual void post(task work) noexcept = 0;

    /// Whether the calling thread is one that runs its tasks: it must not wait for them.
    virtual bool runs_here() const noexcept { return false; }

    /// As threads that wait know it: two that are one have the same address.
    virtual base::executor_mark mark() const noexcept { return {.address = this, .threads = width()}; }

    /// Whether the calling thread runs its tasks, or is in one at this moment.
    bool is_here() const noexcept {
        return runs_here() || base::executor_scope::runs(base::executor_scope::innermost(), mark().address);
    }

    /// Runs one task, if the calling thread is the one that has to. False: it is not, or there is none.
    virtual bool help() { return false; }

    /// Whether the calling thread is the one that has to: with no task at the moment, it looks again.
    virtual bool helps_here() const noexcept { return false; }

    /// How many tasks it runs at the same time, at most.
    virtual unsigned width() const noexcept { return 1; }

    /// Whether tasks wait, as far as one sees without a lock: then a task should not stay for what may come.
    virtual bool is_busy() const noexcept { return true; }

    /// How many events a task may handle in a row.
    virtual unsigned batch() const noexcept { return 64; }

    /// Whether it is being destroyed: what a task has not begun to handle, it leaves.
    bool is_ending() const noexcept { return ending_.load(std::memory_order_relaxed); }

protected:
    void begin_to_end() noexcept { ending_.store(true, std::memory_order_relaxed); }

private:
    base::atomic<bool> ending_{false};
};

/// Another's executor, which outlives whoever posts to it.
template <executor X>
class foreign_executor final : public executor_port {
public:
    explicit foreign_executor(X& home) noexcept : home_{&home} {}
    void post(task work) noexcept override {
        TIDINGS_TRY { home_->post(std::move(work)); }
        TIDINGS_CATCH_ALL {}  // and the task was destroyed
    }
    bool runs_here() const noexcept override {
        if constexpr (requires {
                          { home_->runs_here() } noexcept -> std::convertible_to<bool>;
                      })
            return home_->runs_here();
        else return false;
    }
    base::executor_mark mark() const noexcept override { return {.address = home_}; }

private:
    X* home_;
};

}  // namespace detail

/// A reference to any executor. The library's own executors may be destroyed before those who refer to them: what is
/// posted then is dropped. A user's own has to outlive them. Empty: the shared pool, see shared_pool().
class executor_ref {
public:
    executor_ref() noexcept = default;

    /// Throws std::bad_alloc.
    template <executor X>
        requires(!std::same_as<std::remove_cvref_t<X>, executor_ref>)
    executor_ref(X& home)  // NOLINT(google-explicit-constructor): {.executor = pool}
        : port_{port_of(home)} {}

    explicit executor_ref(std::shared_ptr<detail::executor_port> port) noexcept : port_{std::move(port)} {}

    explicit operator bool() const noexcept { return port_ != nullptr; }
    const std::shared_ptr<detail::executor_port>& port() const noexcept { return port_; }

    /// To one that is not empty.
    void post(task work) const { port_->post(std::move(work)); }

private:
    template <class X>
    static std::shared_ptr<detail::executor_port> port_of(X& home) {
        if constexpr (requires {
                          { home.port() } -> std::convertible_to<std::shared_ptr<detail::executor_port>>;
                      })
            return home.port();
        else return std::make_shared<detail::foreign_executor<X>>(home);
    }

    std::shared_ptr<detail::executor_port> port_;
};

}  // namespace tidings
