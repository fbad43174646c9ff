/// Those who wait to push.
#pragma once

#include <tidings/base/sync.hpp>

namespace tidings::work_queue_detail {

/// First come, first served: who gets a place is given it, so that nobody who comes later takes it. Guarded by the
/// queue's lock.
class place_line {
public:
    /// On the stack of who waits.
    struct waiting {
        bool granted = false;
        base::condition_variable changed{};
        waiting* next = nullptr;
    };

    bool empty() const noexcept { return first_ == nullptr; }

    void join(waiting& w) noexcept {
        waiting** link = &first_;
        while (*link != nullptr) link = &(*link)->next;
        *link = &w;
    }

    /// Nothing, if it does not stand there.
    void leave(waiting& w) noexcept {
        waiting** link = &first_;
        while (*link != nullptr && *link != &w) link = &(*link)->next;
        if (*link != nullptr) *link = w.next;
    }

    /// Gives a place to the first one. False: nobody waits.
    bool grant() noexcept {
        waiting* const served = first_;
        if (served == nullptr) return false;
        first_ = served->next;
        served->granted = true;
        served->changed.notify_one();
        return true;
    }

    void wake_all() noexcept {
        for (waiting* each = first_; each != nullptr; each = each->next) each->changed.notify_one();
    }

private:
    waiting* first_ = nullptr;
};

}  // namespace tidings::work_queue_detail
