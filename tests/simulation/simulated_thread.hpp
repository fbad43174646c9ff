/// A thread of a running simulation: a fiber, what it is to do, and why it cannot at the moment.
#pragma once

#include "simulation/fiber.hpp"
#include "simulation/operation.hpp"
#include "simulation/thread_state.hpp"

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <utility>

namespace tidings::simulation {

/// A function of any type, to be called once. std::function would want copies.
class work {
public:
    template <class Function>
    static std::unique_ptr<work> of(Function function) {
        struct holder final : work {
            explicit holder(Function f) : held{std::move(f)} {}
            void run() override { held(); }
            Function held;
        };
        return std::make_unique<holder>(std::move(function));
    }

    work() = default;
    virtual ~work() = default;
    work(const work&) = delete;
    work& operator=(const work&) = delete;
    virtual void run() = 0;
};

enum class wake_reason : std::uint8_t { notified, timed_out, spurious };

/// What a thread waits for.
struct waiting {
    operation what = operation::start;
    const void* object = nullptr;
    const thread_state* const* holder = nullptr;  ///< where to see who can end the wait, if that is one thread
    time_point deadline = never;
};

struct simulated_thread : thread_state {
    enum class condition : std::uint8_t { able, blocked, ended };

    simulated_thread(thread_id number, std::string called, std::unique_ptr<work> todo)
        : thread_state{number, std::move(called)}, function{std::move(todo)} {}

    /// Runs it, and destroys it unless an exception escapes; returns what is to be said of that, or nothing.
    std::string run_function() {
        std::string escaped;
        try {
            function->run();
        } catch (const std::exception& e) {
            escaped = std::string{"an exception escaped: "} + e.what();
        } catch (...) {
            escaped = "an exception escaped that is no std::exception";
        }
        if (escaped.empty()) function.reset();
        return escaped;
    }

    bool waits_for(const void* object) const noexcept { return state == condition::blocked && waits.object == object; }

    std::unique_ptr<simulation::fiber> fiber = fiber_pool::here().take();
    std::unique_ptr<work> function;
    condition state = condition::able;
    bool detached = false;
    waiting waits;                              ///< while blocked
    wake_reason woken = wake_reason::notified;  ///< the last time
    std::size_t place = 0;                      ///< among the threads that are able
    std::int64_t priority = 0;                  ///< PCT's; the highest runs
    operation last = operation::start;
    const void* last_object = nullptr;
};

}  // namespace tidings::simulation
