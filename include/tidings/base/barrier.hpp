/// Ends a runnable when nobody runs it any more, and lets threads wait for that without deadlock.
///
/// The protocol. Who wants it ended clears `active`, runs a heavy fence and looks through the slots. If no slot
/// names the runnable, nobody runs it and nobody will: it is claimed and ended on the spot. Otherwise each thread
/// that named it empties its slot, fences and looks at `active` again; the last of them finds it inactive and in no
/// slot, and ends it. Everyone else waits for `ended`.
///
/// Waiting threads stand in a graph, see wait_graph.hpp: whoever would close a circle does not wait, and is told.
#pragma once

#include <tidings/base/config.hpp>
#include <tidings/base/domain.hpp>
#include <tidings/base/idle_hook.hpp>
#include <tidings/base/publisher.hpp>
#include <tidings/base/runnable.hpp>
#include <tidings/base/sync.hpp>
#include <tidings/base/wait_graph.hpp>
#include <tidings/base/wait_room.hpp>

#include <atomic>
#include <mutex>
#include <utility>

namespace tidings::base {

enum class barrier_result {
    ended,           ///< nobody runs it, nobody will, its captures are destroyed
    running_here,    ///< the calling thread is inside it: it ends when the thread leaves
    would_deadlock,  ///< a thread that runs it waits for the calling one: it ends when that thread leaves
};

/// Ends `r` if no slot names it and no other thread has begun to; returns whether it did. The calling thread has
/// found `r` inactive and run a heavy fence since: a publisher that found it active has its slot seen. Calls user
/// code: no lock may be held.
inline bool end_if_unheld(domain& home, publisher* self, runnable& r) noexcept {
    if (home.runs(r)) return false;
    auto expected = runnable::progress::live;
    // Acquire pairs with the slots' release stores: what ran in them happened before the captures are destroyed.
    if (!r.state.compare_exchange_strong(expected, runnable::progress::ending, std::memory_order_acq_rel)) return false;
    slot* destruction = nullptr;  // who waits for the captures waits for this thread
    if (self != nullptr) {
        TIDINGS_TRY { destruction = &self->next_slot(); }
        TIDINGS_CATCH_ALL {}  // no memory for one more slot: the wait is not in the graph then
    }
    if (destruction != nullptr) {
        static constexpr table_base none;
        destruction->table.store(&none, store_order);
        self->open(*destruction, &r);
    }
    r.end(r);
    if (destruction != nullptr) self->close(*destruction);
    r.state.store(runnable::progress::ended, std::memory_order_seq_cst);
    wait_room& room = home.waits();
    // Against wait_until_ended(): it counts itself in before it looks at the state.
    if (room.waiting.load(std::memory_order_seq_cst) != 0) {
        {
            std::lock_guard lock{room.mutex};
        }
        room.ended.notify_all();
    }
    return true;
}

/// For a thread that has emptied its slot of `r` and then found it inactive.
TIDINGS_COLD inline void left_inactive(publisher& self, runnable& r) noexcept {
    if (r.state.load(std::memory_order_acquire) != runnable::progress::live) return;
    // Its own fence, for whoever cleared `active` may not have come to his. It also orders this thread's emptied
    // slot before its look at the others': of two that leave at once, one finds no slot.
    self.home().heavy_fence(&self);
    end_if_unheld(self.home(), &self, r);
}

/// Waits until `r` has ended; ends it here if it can. The calling thread has found `r` inactive and run a heavy fence
/// since. Calls user code: no lock may be held.
inline barrier_result wait_until_ended(domain& home, publisher* self, runnable& r) noexcept {
    if (end_if_unheld(home, self, r)) return barrier_result::ended;
    if (r.state.load(std::memory_order_acquire) == runnable::progress::ended) return barrier_result::ended;
    wait_room& room = home.waits();
    std::unique_lock lock{room.mutex};
    room.waiting.fetch_add(1, std::memory_order_seq_cst);  // pairs with end_if_unheld()
    auto result = barrier_result::ended;
    thread_wait wait{.slots = {&r}, .who = self};
    bool again = false;
    while (r.state.load(std::memory_order_seq_cst) != runnable::progress::ended) {
        if (self != nullptr) {
            if (self->runs(r)) result = barrier_result::running_here;
            else if (!enter(home, wait)) result = barrier_result::would_deadlock;
            if (result != barrier_result::ended) break;
        }
        bool something = true;
        if (idle_hook* const hook = idle_hook::here()) {
            lock.unlock();
            something = hook->go_on(idle_hook::never, std::exchange(again, true));
            lock.lock();
        } else {
            room.ended.wait(lock);
        }
        if (self != nullptr) leave(room, wait);
        if (!something && r.state.load(std::memory_order_seq_cst) != runnable::progress::ended) {
            result = barrier_result::would_deadlock;
            break;
        }
    }
    room.waiting.fetch_sub(1, std::memory_order_relaxed);
    return result;
}

}  // namespace tidings::base
