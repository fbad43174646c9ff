/// Publishers that wait for room in a queue: their order, and whether they may wait at all.
#pragma once

#include <tidings/base/domain.hpp>
#include <tidings/base/publisher.hpp>
#include <tidings/base/wait_graph.hpp>
#include <tidings/base/wait_room.hpp>
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

/// A publisher's entry in the graph of who waits for whom, from its construction to over(). It waits for the target,
/// whose handler makes room, and for some thread of the executor that runs the handler, until `over()`.
template <class Over>
class space_wait {
public:
    space_wait(base::domain& home, base::publisher& self, const queued_node& target, const executor_port* at, Over over)
        : home_{home},
          wait_{{.slots = {&target, &target.origin},
                 .any_of = at != nullptr ? at->mark() : base::executor_mark{},
                 .who = &self},
                std::move(over)} {
        const std::lock_guard lock{home.waits().mutex};
        entered_ = base::enter(home, wait_);
    }
    space_wait(const space_wait&) = delete;
    space_wait& operator=(const space_wait&) = delete;

    bool would_deadlock() const noexcept { return !entered_; }

    void over() noexcept {
        const std::lock_guard lock{home_.waits().mutex};
        base::leave(home_.waits(), wait_);
    }

private:
    base::domain& home_;
    base::wait_until<Over> wait_;
    bool entered_ = false;
};

}  // namespace tidings::detail
