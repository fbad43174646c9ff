/// What a thread keeps for itself, and what is to happen when it ends.
#pragma once

#include "simulation/thread_state.hpp"

#include <algorithm>
#include <cstddef>

namespace tidings::simulation {

/// Counts the types that thread_pointer is used with.
inline std::size_t next_pointer_index() noexcept {
    static constinit std::size_t next = 0;
    return next++;
}

/// The main thread ends like any other: its functions run before static objects are destroyed.
inline void run_exits_of_main_thread_at_exit() {
    struct guard {
        ~guard() { main_thread().run_exits(); }
    };
    thread_local guard at_exit;
    static_cast<void>(at_exit);
}

}  // namespace tidings::simulation

namespace tidings::base {

/// One pointer to T per thread, null at first.
template <class T>
class thread_pointer {
public:
    static T* get() noexcept { return static_cast<T*>(slot()); }
    static void set(T* value) noexcept { slot() = const_cast<std::remove_const_t<T>*>(value); }

private:
    static void*& slot() {
        static const std::size_t index = simulation::next_pointer_index();
        return simulation::this_thread().pointer(index);
    }
};

/// Runs `run(argument)` when the calling thread ends, after what was registered later. At most one registration
/// per thread and `run`.
inline void at_thread_exit(void (*run)(void*) noexcept, void* argument) {
    simulation::thread_state& self = simulation::this_thread();
    const bool known =
        std::any_of(self.at_exit.begin(), self.at_exit.end(), [&](const auto& e) { return e.run == run; });
    if (known) return;
    if (&self == &simulation::main_thread()) simulation::run_exits_of_main_thread_at_exit();
    self.at_exit.push_back({run, argument});
}

template <void (*run)(void*) noexcept>
void at_thread_exit(void* argument) {
    base::at_thread_exit(run, argument);
}

}  // namespace tidings::base
