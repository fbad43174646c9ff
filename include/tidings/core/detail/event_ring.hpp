/// The events that wait in one line.
#pragma once

#include <tidings/base/prefetch.hpp>
#include <tidings/core/detail/waiting_event.hpp>

#include <cstddef>
#include <memory>
#include <utility>

namespace tidings::detail {

/// A ring that grows. Not thread-safe, like all here.
class event_ring {
public:
    std::size_t size() const noexcept { return size_; }

    /// Throws std::bad_alloc and changes nothing then.
    void push(const waiting_event& added) {
        if (size_ + out_ == capacity_) grow();
        base::prefetch_to_write(&at(size_ + ahead));  // who emptied it last has it
        at(size_++) = added;
    }

    /// Of a ring that is not empty. It may come back: see finish().
    waiting_event pop() noexcept {
        ++out_;
        return remove_first();
    }

    /// What was popped will not come back.
    void finish() noexcept { --out_; }

    /// What was popped last, and has not come back or been finished, is the first again.
    void put_back(const waiting_event& popped) noexcept {
        --out_;
        first_ = (first_ - 1) & (capacity_ - 1);
        ++size_;
        at(0) = popped;
    }

    /// Of a ring that is not empty.
    waiting_event remove_first() noexcept {
        const waiting_event oldest = at(0);
        first_ = (first_ + 1) & (capacity_ - 1);
        --size_;
        return oldest;
    }

    /// Calls `take(event)` for what `chosen(event)` and takes it out. Returns whether the first is gone.
    template <class Chosen, class Take>
    bool take_if(Chosen chosen, Take take) noexcept {
        std::size_t kept = 0;
        bool first_goes = size_ == 0;
        for (std::size_t n = 0; n != size_; ++n) {
            const waiting_event each = at(n);
            if (chosen(each)) {
                take(each);
                first_goes = first_goes || n == 0;
            } else {
                at(kept++) = each;
            }
        }
        size_ = kept;
        return first_goes;
    }

private:
    static constexpr std::size_t ahead = 8;

    waiting_event& at(std::size_t n) noexcept { return events_[(first_ + n) & (capacity_ - 1)]; }

    void grow() {
        const std::size_t larger = capacity_ == 0 ? 16 : 2 * capacity_;
        auto moved = std::make_unique<waiting_event[]>(larger);
        for (std::size_t n = 0; n != size_; ++n) moved[n] = at(n);
        events_ = std::move(moved);
        capacity_ = larger;
        first_ = 0;
    }

    std::unique_ptr<waiting_event[]> events_;
    std::size_t capacity_ = 0;  // a power of two
    std::size_t first_ = 0;
    std::size_t size_ = 0;
    std::size_t out_ = 0;  // popped, and may come back: there is room for them
};

}  // namespace tidings::detail
