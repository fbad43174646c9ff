/// How much may be in a queue, to the message.
#pragma once

#include <tidings/base/publisher.hpp>
#include <tidings/base/sync.hpp>
#include <tidings/queue/detail/place_line.hpp>

#include <atomic>
#include <cstddef>
#include <limits>
#include <utility>

namespace tidings::work_queue_detail {

/// A message needs a place before it is made, so that what is not taken is not touched. Places are taken without a lock
/// and given back under the queue's; those that have come free are collected by who finds none, because two threads
/// that write one line for each message are slow.
class places {
public:
    /// Unlimited if the oldest message gives way: then nobody has to ask for a place.
    places(std::size_t capacity, bool limited) noexcept
        : limit_{limited && capacity < closed_mark ? capacity : closed_mark} {}

    /// False: there is none, as far as one sees without the lock; or it is closed.
    bool take() noexcept {
        std::size_t taken = taken_.load(std::memory_order_relaxed);
        while (taken < limit_)
            if (taken_.compare_exchange_weak(taken, taken + 1, std::memory_order_acq_rel, std::memory_order_relaxed))
                return true;
        return false;
    }

    bool is_closed() const noexcept { return (taken_.load(std::memory_order_acquire) & closed_mark) != 0; }

    // --- Under the lock --------------------------------------------------------------------------------------------

    /// False: there is none, or it is closed.
    bool take_here() noexcept {
        collect();
        return take();
    }

    /// To the first who waits for one, or back.
    void give_back() noexcept {
        if (is_closed() || !line.grant()) ++free_;
        if (free_ != 0 && (seeking != 0 || is_closed())) collect();
    }

    /// Nobody gets one any more, but who has been given one.
    void close() noexcept {
        taken_.fetch_or(closed_mark, std::memory_order_acq_rel);
        line.wake_all();
    }

    /// With those of messages that are being made.
    std::size_t taken() const noexcept { return (taken_.load(std::memory_order_acquire) & ~closed_mark) - free_; }

    place_line line;
    std::size_t seeking = 0;  ///< who look again and again without the lock

private:
    static constexpr std::size_t closed_mark = ~(std::numeric_limits<std::size_t>::max() >> 1);

    void collect() noexcept {
        if (free_ != 0) taken_.fetch_sub(std::exchange(free_, 0), std::memory_order_acq_rel);
    }

    std::size_t free_ = 0;  // of taken_, and not taken off; guarded by the lock

    alignas(base::cache_line) base::atomic<std::size_t> taken_{0};
    const std::size_t limit_;  // read with it
};

}  // namespace tidings::work_queue_detail
