/// Publishers that wait for room in a queue: their order, and whether they may wait at all.
#pragma once

#include <tidings/base/barrier.hpp>
#include <tidings/base/domain.hpp>
#include <tidings/base/publisher.hpp>
#include <tidings/core/detail/executor_scope.hpp>
#include <tidings/core/detail/queued_node.hpp>
#include <tidings/executor/executor.hpp>

#include <cstddef>
#include <mutex>
#include <utility>

namespace tidings::detail {

/// First come, first served. Guarded by the queue's mutex.
class line_of_publishers {
public:
    class place {
    public:
        explicit place(line_of_publishers& line) noexcept : line_{line} {
            place** link = &line.first_;
            while (*link != nullptr) link = &(*link)->next_;
            *link = this;
            ++line.size_;
        }
        place(const place&) = delete;
        place& operator=(const place&) = delete;

        bool is_first() const noexcept { return line_.first_ == this; }

        void leave() noexcept {
            place** link = &line_.first_;
            while (*link != this) link = &(*link)->next_;
            *link = next_;
            --line_.size_;
        }

    private:
        line_of_publishers& line_;
        place* next_ = nullptr;
    };

    std::size_t size() const noexcept { return size_; }
    bool empty() const noexcept { return size_ == 0; }

private:
    place* first_ = nullptr;
    std::size_t size_ = 0;
};

/// A publisher's entry in the graph of who waits for whom, from its construction to over().
///
/// It waits for the target, whose handler makes room, and for some thread of the executor that runs the handler. An
/// executor can go on while one of its threads does not wait, or waits for room with another executor that can.
class space_wait : public base::executor_wait {
public:
    space_wait(base::domain& home, base::publisher& self, const queued_node& target, const executor_port* at)
        : home_{home}, self_{self} {
        inside = executor_scope::current();
        inside_width = inside != nullptr ? width_of(inside) : 0;
        waits_at = at;
        at_width = at != nullptr ? width_of(at) : 0;
        base::wait_room& room = home.waits();
        std::lock_guard lock{room.mutex};
        ++room.searches;
        next = std::exchange(room.executor_waits, this);
        const base::awaited workers{&target, &target.origin};
        if (self.is_awaited(workers) || base::would_wait_for_itself(home, self, workers) ||
            (inside != nullptr && at != nullptr && !can_go_on(room, at, at_width))) {
            would_deadlock_ = true;
            unlink(room);
        } else {
            self.waits_for = workers;
        }
    }
    space_wait(const space_wait&) = delete;
    space_wait& operator=(const space_wait&) = delete;

    bool would_deadlock() const noexcept { return would_deadlock_; }

    void over() noexcept {
        base::wait_room& room = home_.waits();
        std::lock_guard lock{room.mutex};
        self_.waits_for = {};
        unlink(room);
    }

private:
    static unsigned width_of(const void* executor) noexcept {
        return static_cast<const executor_port*>(executor)->width();
    }

    /// Holds the room's mutex. `visited` is of this search alone.
    static bool can_go_on(base::wait_room& room, const void* executor, unsigned width) noexcept {
        unsigned waiting = 0;
        for (const base::executor_wait* w = room.executor_waits; w != nullptr; w = w->next)
            if (w->inside == executor) ++waiting;
        if (waiting < width) return true;
        for (base::executor_wait* w = room.executor_waits; w != nullptr; w = w->next) {
            if (w->inside != executor || w->visited == room.searches) continue;
            w->visited = room.searches;
            if (w->waits_at == nullptr || can_go_on(room, w->waits_at, w->at_width)) return true;
        }
        return false;
    }

    void unlink(base::wait_room& room) noexcept {
        base::executor_wait** link = &room.executor_waits;
        while (*link != this) link = &(*link)->next;
        *link = next;
    }

    base::domain& home_;
    base::publisher& self_;
    bool would_deadlock_ = false;
};

}  // namespace tidings::detail
