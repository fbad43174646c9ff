/// Where threads wait for each other.
#pragma once

#include <tidings/base/executor_scope.hpp>
#include <tidings/base/publisher.hpp>
#include <tidings/base/sync.hpp>

#include <cstdint>
#include <utility>
#include <vector>

namespace tidings::base {

/// One thread that waits, and what has to happen before it goes on: all that is set. Stands on its stack.
struct thread_wait {
    awaited slots{};  ///< they have to be left
    const std::vector<awaited>* more_slots = nullptr;
    executor_mark any_of{};        ///< one of whose threads has to be free
    const void* all_of = nullptr;  ///< an executor whose threads have to come out, but for the calling one

    publisher* who = nullptr;  ///< null if it has no record: then it is in no slot
    bool helps = false;        ///< it runs tasks of its own loops meanwhile
    const thread_id thread = this_thread_id();
    /// Whether it has ended, though the thread has not noticed yet. Called with the wait room's mutex held: what it
    /// locks itself, nobody holds who enters or leaves. Null: not known.
    bool (*is_over)(const thread_wait&) noexcept = nullptr;
    const executor_scope* inside = executor_scope::innermost();

    // Of the wait room.
    bool goes_on = false;
    thread_wait* next = nullptr;
};

/// One that asks `over()` whether it has ended.
template <class Over>
struct wait_until : thread_wait {
    wait_until(const thread_wait& what, Over ended) : thread_wait{what}, over{std::move(ended)} {
        is_over = [](const thread_wait& self) noexcept { return static_cast<const wait_until&>(self).over(); };
    }
    const Over over;
};

struct wait_room {
    base::mutex mutex;
    condition_variable ended;
    atomic<std::uint32_t> waiting{0};  ///< threads that wait for the end of a runnable

    thread_wait* first = nullptr;  ///< guarded by mutex
};

/// The thread goes on. Holds wait_room::mutex.
inline void leave(wait_room& room, thread_wait& self) noexcept {
    thread_wait** link = &room.first;
    while (*link != &self) link = &(*link)->next;
    *link = self.next;
    if (self.who != nullptr) self.who->waits = nullptr;
}

}  // namespace tidings::base
