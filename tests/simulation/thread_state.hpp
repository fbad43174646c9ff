/// What each thread has of its own: a fiber while a simulation runs, the program's main thread otherwise.
#pragma once

#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidings::simulation {

/// Which thread; no thread by default. Numbers are given anew in each run: the same thread of the same body has
/// the same one.
class thread_id {
public:
    constexpr thread_id() noexcept = default;
    explicit constexpr thread_id(std::uint64_t number) noexcept : number_{number} {}

    constexpr std::uint64_t number() const noexcept { return number_; }
    friend constexpr auto operator<=>(const thread_id&, const thread_id&) noexcept = default;
    friend std::ostream& operator<<(std::ostream& out, const thread_id& id) { return out << id.number_; }

private:
    std::uint64_t number_ = 0;
};

using time_point = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;
inline constexpr time_point never = time_point::max();

/// The state of one thread.
struct thread_state {
    using exit_function = void (*)(void*) noexcept;

    thread_state(thread_id number, std::string called) : id{number}, name{std::move(called)} {}
    thread_state(const thread_state&) = delete;
    thread_state& operator=(const thread_state&) = delete;

    void*& pointer(std::size_t index) {
        if (index >= pointers.size()) pointers.resize(index + 1);
        return pointers[index];
    }

    /// Last registered, first run. What they register in turn runs, too.
    void run_exits() noexcept {
        while (!at_exit.empty()) {
            const auto [run, argument] = at_exit.back();
            at_exit.pop_back();
            run(argument);
        }
    }

    struct exit {
        exit_function run;
        void* argument;
    };

    thread_id id;
    std::string name;
    std::vector<void*> pointers;  ///< by thread_pointer's index
    std::vector<exit> at_exit;
    std::uint32_t locks = 0;  ///< mutexes that it holds
};

/// The program's main thread. Never destroyed, like what it may be asked for in static destructors.
inline thread_state& main_thread() {
    static auto* const only = new thread_state{thread_id{1}, "main thread"};
    return *only;
}

/// Null stands for the main thread: constant-initialised, so that static constructors find it.
inline constinit thread_state* running_thread = nullptr;

inline thread_state& this_thread() { return running_thread != nullptr ? *running_thread : main_thread(); }

/// Where time stands while no simulation runs: it moves only when somebody waits.
inline constinit time_point outside_now{std::chrono::hours{1}};

/// For what nobody can go on after, outside of a run.
[[noreturn]] inline void fatal(std::string_view message) {
    std::fprintf(stderr, "simulation: %.*s\n", static_cast<int>(message.size()), message.data());
    std::abort();
}

}  // namespace tidings::simulation

template <>
struct std::hash<tidings::simulation::thread_id> {
    std::size_t operator()(const tidings::simulation::thread_id& id) const noexcept {
        return std::hash<std::uint64_t>{}(id.number());
    }
};
