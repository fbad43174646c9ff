/// A stack that runs functions one after another, and gives way to others in between and in their midst.
#pragma once

#include "simulation/context.hpp"
#include "simulation/sanitizers.hpp"
#include "simulation/stack.hpp"

#include <cxxabi.h>

#include <cstddef>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

namespace tidings::simulation {

/// What the C++ runtime keeps per thread about exceptions: the caught ones, innermost first, and how many fly.
/// Fibers stop inside catch blocks and inside destructors that an exception runs, so each has its own.
class exception_state {
public:
    void save() noexcept { std::memcpy(static_cast<void*>(&here_), abi::__cxa_get_globals(), sizeof here_); }
    void restore() const noexcept { std::memcpy(abi::__cxa_get_globals(), &here_, sizeof here_); }

private:
    struct globals {  // Itanium C++ ABI, 2.2.2
        void* caught = nullptr;
        unsigned int uncaught = 0;
    };
    globals here_;
};

class fiber {
public:
    using function = void (*)(void*) noexcept;

    /// Stands for the stack that is running: to come back to.
    fiber() noexcept = default;

    /// Has a stack of its own.
    struct own_stack {};
    explicit fiber(own_stack)
        : stack_{std::make_unique<simulation::stack>()},
          context_{stack_->low(), stack::size, &fiber::enter},
          sanitized_{stack_->low(), stack::size} {}

    fiber(const fiber&) = delete;
    fiber& operator=(const fiber&) = delete;

    /// What it does when it is switched to next. `run` ends by switching away, once nothing is left to do, and
    /// returns when the fiber is switched to again with something else to do: so the stack unwinds to where it
    /// began, which ThreadSanitizer's own stack of calls needs to do, too.
    void assign(function run, void* argument) noexcept {
        run_ = run;
        argument_ = argument;
    }

    static void swap(fiber& leave, fiber& to) noexcept {
        leave.exceptions_.save();
        to.exceptions_.restore();
        entering_ = &to;
        sanitized_stack::before_switch(leave.sanitized_, to.sanitized_);
        context::swap(leave.context_, to.context_);
        sanitized_stack::after_switch(leave.sanitized_);
    }

    /// It is about to be destroyed in the midst of something.
    void keep_reachable() const {
        const void* const used = context_.stack_pointer();
        sanitized_.keep_reachable(used != nullptr ? used : stack_->low());
    }

private:
    [[noreturn]] static void enter() noexcept {
        fiber& self = *entering_;
        sanitized_stack::after_switch(self.sanitized_);
        for (;;) self.run_(self.argument_);
    }

    static inline constinit fiber* entering_ = nullptr;

    std::unique_ptr<simulation::stack> stack_;
    context context_;
    sanitized_stack sanitized_;
    exception_state exceptions_;
    function run_ = nullptr;
    void* argument_ = nullptr;
};

/// Fibers that have nothing to do, kept for the next run: making one takes three system calls.
class fiber_pool {
public:
    /// Never destroyed: what the fibers of a failed run left behind may be used until the process ends.
    static fiber_pool& here() {
        static auto* const only = new fiber_pool;
        return *only;
    }

    std::unique_ptr<fiber> take() {
        if (idle_.empty()) return std::make_unique<fiber>(fiber::own_stack{});
        std::unique_ptr<fiber> taken = std::move(idle_.back());
        idle_.pop_back();
        return taken;
    }

    /// `done` has come to the end of what it had to do.
    void give_back(std::unique_ptr<fiber> done) { idle_.push_back(std::move(done)); }

    /// `stopped` is in the midst of something and will not go on. Nothing on its stack is destroyed. The stack is
    /// unmapped: a pointer to it that was left somewhere faults.
    void abandon(std::unique_ptr<fiber> stopped) {
        stopped->keep_reachable();
        stopped.reset();
    }

private:
    fiber_pool() = default;

    std::vector<std::unique_ptr<fiber>> idle_;
};

}  // namespace tidings::simulation
