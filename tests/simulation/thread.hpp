/// std::thread for a simulation: a fiber.
#pragma once

#include "simulation/require.hpp"
#include "simulation/scheduler.hpp"

#include <functional>
#include <string>
#include <tuple>
#include <utility>

namespace tidings::base {

using thread_id = simulation::thread_id;

inline thread_id this_thread_id() noexcept { return simulation::this_thread().id; }

class thread {
public:
    using id = thread_id;

    thread() noexcept = default;

    /// Outside of a run there is nobody to take turns with: the function runs here, to its end, as a thread of its
    /// own.
    template <class Function, class... Arguments>
        requires(!std::is_same_v<std::remove_cvref_t<Function>, thread>)
    explicit thread(Function&& function, Arguments&&... arguments) {
        auto call = [f = std::decay_t<Function>(std::forward<Function>(function)),
                     a = std::tuple<std::decay_t<Arguments>...>(std::forward<Arguments>(arguments)...)]() mutable {
            std::apply([&](auto&... each) { std::invoke(std::move(f), std::move(each)...); }, a);
        };
        if (auto* const running = simulation::scheduler::current()) {
            id_ = running->spawn("thread " + std::to_string(running->threads()), std::move(call));
            running->step(simulation::operation::spawn, nullptr);
        } else {
            id_ = run_here(std::move(call));
        }
    }

    thread(thread&& other) noexcept : id_{std::exchange(other.id_, {})} {}
    thread& operator=(thread&& other) noexcept {
        if (joinable()) simulation::misuse("a thread that was not joined is assigned to");
        id_ = std::exchange(other.id_, {});
        return *this;
    }
    ~thread() {
        if (joinable()) simulation::misuse("a thread that was not joined is destroyed");
    }

    bool joinable() const noexcept { return id_ != id{}; }
    id get_id() const noexcept { return id_; }

    void join() {
        if (!joinable()) simulation::misuse("a thread is joined that cannot be");
        if (id_ == this_thread_id()) simulation::misuse("a thread joins itself");
        if (auto* const running = simulation::scheduler::current()) running->join(id_);
        id_ = id{};
    }

    /// The run does not end before the thread does.
    void detach() {
        if (!joinable()) simulation::misuse("a thread is detached that cannot be");
        if (auto* const running = simulation::scheduler::current()) running->detach(id_);
        id_ = id{};
    }

    void swap(thread& other) noexcept { std::swap(id_, other.id_); }

    static unsigned hardware_concurrency() noexcept { return 2; }

private:
    template <class Call>
    static id run_here(Call call) {
        static std::uint64_t number = std::uint64_t{1} << 32;  // beyond those of a run
        simulation::thread_state self{id{number++}, "thread outside of a run"};
        simulation::thread_state* const outer = std::exchange(simulation::running_thread, &self);
        try {
            call();
        } catch (...) {
            simulation::fatal("an exception escaped from a thread");
        }
        self.run_exits();
        simulation::running_thread = outer;
        return self.id;
    }

    id id_;
};

}  // namespace tidings::base
