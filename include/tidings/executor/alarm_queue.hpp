/// The alarms of a clock, the next one first.
#pragma once

#include <tidings/executor/clock.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace tidings::detail {

/// Adding, taking and removing are logarithmic; memory is one pointer for each alarm that it ever held at once. An
/// alarm stands in one queue at a time. Not thread-safe.
class alarm_queue {
public:
    bool empty() const noexcept { return heap_.empty(); }
    std::size_t size() const noexcept { return heap_.size(); }

    /// Null if it is empty. Of those that are due at the same time, the one that was added first.
    alarm* first() const noexcept { return heap_.empty() ? nullptr : heap_.front(); }

    /// Room for that many at once: push() allocates nothing, and throws nothing, up to there. Amortised constant for
    /// one more at a time. Throws std::bad_alloc, and nothing has changed then.
    void reserve(std::size_t alarms) {
        if (alarms > heap_.capacity()) heap_.reserve(alarms < 2 * heap_.capacity() ? 2 * heap_.capacity() : alarms);
    }

    /// Throws std::bad_alloc, and nothing has changed then.
    void push(alarm& a, alarm::time_point due) {
        heap_.push_back(&a);
        a.due = due;
        a.order = next_order_++;
        rise(heap_.size() - 1, a);
    }

    /// first(), which stands in no queue from then on.
    alarm* pop() noexcept {
        alarm* const taken = first();
        if (taken != nullptr) take_out(*taken);
        return taken;
    }

    /// Whether the alarm stands in this queue.
    bool holds(const alarm& a) const noexcept { return a.place < heap_.size() && heap_[a.place] == &a; }

    /// False: it does not stand here.
    bool remove(alarm& a) noexcept {
        if (!holds(a)) return false;
        take_out(a);
        return true;
    }

private:
    /// Four children: the way down is half as long as with two, and what it compares lies side by side.
    static constexpr std::size_t width = 4;

    static bool before(const alarm& a, const alarm& b) noexcept {
        return a.due != b.due ? a.due < b.due : a.order < b.order;
    }

    void put(std::size_t place, alarm& a) noexcept {
        heap_[place] = &a;
        a.place = place;
    }

    /// Puts `a` at `place` or above it.
    void rise(std::size_t place, alarm& a) noexcept {
        while (place != 0) {
            const std::size_t above = (place - 1) / width;
            if (!before(a, *heap_[above])) break;
            put(place, *heap_[above]);
            place = above;
        }
        put(place, a);
    }

    /// Puts `a` at `place` or below it.
    void sink(std::size_t place, alarm& a) noexcept {
        for (;;) {
            const std::size_t below = place * width + 1;
            if (below >= heap_.size()) break;
            const std::size_t end = below + width < heap_.size() ? below + width : heap_.size();
            std::size_t least = below;
            for (std::size_t each = below + 1; each < end; ++each)
                if (before(*heap_[each], *heap_[least])) least = each;
            if (!before(*heap_[least], a)) break;
            put(place, *heap_[least]);
            place = least;
        }
        put(place, a);
    }

    void take_out(alarm& a) noexcept {
        const std::size_t gap = a.place;
        alarm& last = *heap_.back();
        heap_.pop_back();
        a.place = static_cast<std::size_t>(-1);
        if (&last == &a) return;
        if (gap != 0 && before(last, *heap_[(gap - 1) / width])) rise(gap, last);
        else sink(gap, last);
    }

    std::vector<alarm*> heap_;
    std::uint64_t next_order_ = 0;
};

}  // namespace tidings::detail
