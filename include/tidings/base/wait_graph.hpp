/// Threads that wait for each other: whoever would close a circle does not wait, and is told.
///
/// A thread waits until others have left a handler, until some thread of an executor is free, or until all of them have
/// come out. The thread of a loop is not free to run its tasks while it waits, wherever it does. It can go on if those
/// it waits for can, and a thread that does not wait can. What cannot go on by that rule, applied until nothing
/// changes, never will: a deadlock (R. Holt, "Some deadlock properties of computer systems", 1972). Entered only before
/// a real wait.
#pragma once

#include <tidings/base/domain.hpp>
#include <tidings/base/executor_scope.hpp>
#include <tidings/base/publisher.hpp>
#include <tidings/base/wait_room.hpp>

#include <atomic>
#include <mutex>
#include <utility>

namespace tidings::base {

/// Whether the wait ends if those that are marked as able to go on do. Holds wait_room::mutex.
inline bool ends(domain& home, const thread_wait& wait) noexcept {
    if (wait.is_over != nullptr && wait.is_over(wait)) return true;
    const auto is_stuck = [](const thread_wait* other) { return other != nullptr && !other->goes_on; };
    const auto stuck = [&](auto counts) {
        unsigned count = 0;
        for (const thread_wait* each = home.waits().first; each != nullptr; each = each->next)
            if (is_stuck(each) && counts(*each)) ++count;
        return count;
    };
    if (wait.all_of != nullptr && stuck([&](const thread_wait& each) {
                                      return &each != &wait && executor_scope::runs(each.inside, wait.all_of);
                                  }) != 0)
        return false;
    const executor_mark& any = wait.any_of;
    const auto is_its_loop = [&](const thread_wait& each) {
        return any.loop != nullptr && !each.helps && each.thread == any.loop->load(std::memory_order_relaxed);
    };
    if (any.address != nullptr && stuck([&](const thread_wait& each) {
                                      return executor_scope::runs(each.inside, any.address) || is_its_loop(each);
                                  }) >= any.threads)
        return false;
    const auto are_left = [&](const awaited& slots) {
        return slots.run == nullptr || !home.any_publisher([&](const publisher& other) {
            return is_stuck(other.waits) && other.is_awaited(slots);
        });
    };
    if (!are_left(wait.slots)) return false;
    if (wait.more_slots != nullptr)
        for (const awaited& slots : *wait.more_slots)
            if (!are_left(slots)) return false;
    return true;
}

/// The calling thread is about to wait. False: it would wait for itself, and is not entered. Holds wait_room::mutex.
/// Linear in the waiting threads plus all threads; for each thread that others which wait depend on, once more.
inline bool enter(domain& home, thread_wait& self) noexcept {
    wait_room& room = home.waits();
    self.next = room.first;
    room.first = &self;
    if (self.who != nullptr) self.who->waits = &self;
    for (thread_wait* each = room.first; each != nullptr; each = each->next) each->goes_on = false;
    for (bool changed = true; changed;) {
        if (ends(home, self)) return true;
        changed = false;
        for (thread_wait* each = self.next; each != nullptr; each = each->next) {
            if (each->goes_on || !ends(home, *each)) continue;
            each->goes_on = true;
            changed = true;
        }
    }
    leave(room, self);
    return false;
}

/// The calling thread's entry, from here to the end of the scope. It takes the wait room's mutex at both: no lock may
/// be held that the wait's is_over() takes.
template <class Wait>
class entry_in_graph {
public:
    entry_in_graph(domain& home, Wait wait) noexcept : home_{home}, wait_{std::move(wait)} {
        const std::lock_guard lock{home.waits().mutex};
        may_wait_ = enter(home, wait_);
    }
    ~entry_in_graph() {
        if (!may_wait_) return;
        const std::lock_guard lock{home_.waits().mutex};
        leave(home_.waits(), wait_);
    }
    entry_in_graph(const entry_in_graph&) = delete;
    entry_in_graph& operator=(const entry_in_graph&) = delete;

    /// False: it would wait for itself.
    bool may_wait() const noexcept { return may_wait_; }

private:
    domain& home_;
    Wait wait_;
    bool may_wait_ = false;
};

}  // namespace tidings::base
