/// Tasks that run at once.
#pragma once

#include <tidings/base/executor_scope.hpp>
#include <tidings/base/job.hpp>
#include <tidings/base/sync.hpp>
#include <tidings/executor/executor.hpp>
#include <tidings/executor/task.hpp>

#include <memory>
#include <utility>

namespace tidings {

namespace detail {

class inline_port final : public executor_port, public std::enable_shared_from_this<inline_port> {
public:
    void post(task work) noexcept override {
        if (scope* const inside = find()) return inside->later.push(work.release());
        scope outermost{
            .of = shared_from_this(), .outer = here::get(), .later = {}, .inside = base::executor_scope{this}};
        here::set(&outermost);
        work();
        while (base::job* const next = outermost.later.pop()) next->act(*next, true);
        here::set(outermost.outer);
    }

    bool runs_here() const noexcept override { return find() != nullptr; }

private:
    /// Stands on the stack of the outermost post().
    struct scope {
        std::shared_ptr<const inline_port> of;  // kept: another at its address would be taken for it
        scope* outer;
        base::job_queue later;
        base::executor_scope inside;
    };
    using here = base::thread_pointer<scope>;

    scope* find() const noexcept {
        for (scope* s = here::get(); s != nullptr; s = s->outer)
            if (s->of.get() == this) return s;
        return nullptr;
    }
};

}  // namespace detail

/// Runs each task inside post(), on the thread that posts it.
///
/// A task that a task posts to the same executor runs after that one, in the outermost post(): there is no recursion,
/// and tasks that one thread posts run in that order. Tasks that several threads post run at the same time.
///
/// Destroying it changes nothing for those who have an executor_ref, nor for tasks that wait for an outer one: they
/// run.
class inline_executor {
public:
    /// Throws std::bad_alloc.
    inline_executor() : port_{std::make_shared<detail::inline_port>()} {}
    ~inline_executor() = default;
    inline_executor(const inline_executor&) = delete;
    inline_executor& operator=(const inline_executor&) = delete;

    /// Thread-safe. Blocks for as long as the task takes, and those that it posts. Allocates nothing.
    void post(task work) noexcept { port_->post(std::move(work)); }

    /// For executor_ref.
    std::shared_ptr<detail::executor_port> port() const noexcept { return port_; }

private:
    std::shared_ptr<detail::inline_port> port_;
};

}  // namespace tidings
