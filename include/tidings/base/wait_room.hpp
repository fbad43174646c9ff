/// Where threads wait for each other.
#pragma once

#include <tidings/base/executor_scope.hpp>
#include <tidings/base/publisher.hpp>
#include <tidings/base/sync.hpp>

#include <cstdint>

namespace tidings::base {

/// One thread that waits, and what has to happen before it goes on: all that is set. Stands on its stack.
struct thread_wait {
    awaited slots{};               ///< they have to be left
    const void* any_of = nullptr;  ///< an executor, one of whose threads has to be free
    unsigned threads = 0;          ///< how many that executor has
    const void* all_of = nullptr;  ///< an executor whose threads have to come out, but for the calling one

    publisher* who = nullptr;  ///< null if it has no record: then it is in no slot
    const executor_scope* inside = executor_scope::innermost();

    // Of the wait room.
    bool goes_on = false;
    thread_wait* next = nullptr;
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
