/// What executors run.
#pragma once

#include <tidings/base/job.hpp>

#include <concepts>
#include <type_traits>
#include <utility>

namespace tidings {

/// Something to be called once. Destroyed without having been called, it tells whoever made it that it never will be.
/// Moves, does not copy; one pointer in size.
class [[nodiscard]] task {
public:
    /// Takes `work` over.
    explicit task(base::job& work) noexcept : work_{&work} {}

    /// Calls `function()`; must not throw. Allocates; throws std::bad_alloc.
    template <class F>
        requires(!std::same_as<std::remove_cvref_t<F>, task> && !std::derived_from<std::remove_cvref_t<F>, base::job> &&
                 std::invocable<std::decay_t<F>&>)
    // NOLINTNEXTLINE(google-explicit-constructor,bugprone-forwarding-reference-overload): executor.post([] {…})
    task(F&& function) : work_{new owned<std::decay_t<F>>{std::forward<F>(function)}} {}

    task(task&& other) noexcept : work_{std::exchange(other.work_, nullptr)} {}
    task& operator=(task&& other) noexcept {
        task{std::move(other)}.swap(*this);
        return *this;
    }
    ~task() {
        if (work_ != nullptr) work_->act(*work_, false);
    }

    /// Once; the task is empty afterwards.
    void operator()() noexcept {
        if (base::job* const work = std::exchange(work_, nullptr)) work->act(*work, true);
    }

    /// Hands the job over: it has to be acted on as base::job says.
    base::job& release() noexcept { return *std::exchange(work_, nullptr); }

    void swap(task& other) noexcept { std::swap(work_, other.work_); }

private:
    template <class F>
    struct owned : base::job {
        explicit owned(F source) : job{&act_on}, function{std::move(source)} {}
        static void act_on(job& self, bool run) noexcept {
            auto* const mine = static_cast<owned*>(&self);
            if (run) mine->function();
            delete mine;
        }
        F function;
    };

    base::job* work_;
};

}  // namespace tidings
