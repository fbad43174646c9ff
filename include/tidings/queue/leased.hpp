/// A message that was received, and is to be settled.
#pragma once

#include <tidings/queue/detail/lease.hpp>
#include <tidings/queue/detail/message.hpp>

#include <chrono>
#include <string_view>
#include <utility>

namespace tidings {

/// A message of a work queue, for as long as its lease lasts: nobody else receives it meanwhile. Destroyed unsettled,
/// it is a nack().
///
/// ack(), nack(), reject() and extend() return false, and change nothing, when the lease is over: it ran out, the
/// message was settled before, or the queue is gone. So of all who ever received a message one at most settles it. The
/// value lives as long as this object, whatever happened to the lease; others may look at the same one, so it is const.
///
/// May outlive its queue. Different objects may be used from different threads, also of one message. Settling takes the
/// queue's lock for some instructions; O(log n) in the messages that are leased, and delayed where it becomes so.
template <class T>
class [[nodiscard]] leased {
public:
    using duration = std::chrono::steady_clock::duration;

    /// For the library.
    explicit leased(work_queue_detail::lease held) noexcept : lease_{std::move(held)} {}

    const T& value() const noexcept {
        return static_cast<const work_queue_detail::message_of<T>&>(lease_.held()).value;
    }

    /// Which attempt this is at the message; the first one is 1.
    unsigned attempt() const noexcept { return lease_.number(); }

    /// It is done, and leaves the queue.
    bool ack() noexcept { return lease_.ack(); }

    /// Back into the queue, to be received again after `delay`, never earlier; behind those of its priority that are
    /// ready. With the last attempt it becomes a dead letter instead, with `why` as its error.
    bool nack(duration delay = {}, std::string_view why = {}) noexcept { return lease_.nack(delay, why); }

    /// It becomes a dead letter at once. Of `why` 1,024 bytes are kept.
    bool reject(std::string_view why) noexcept { return lease_.reject(why); }

    /// The lease ends `by` from now, be that later or sooner than before.
    bool extend(duration by) noexcept { return lease_.extend(by); }

    /// For the library.
    work_queue_detail::lease& lease() noexcept { return lease_; }

private:
    work_queue_detail::lease lease_;
};

}  // namespace tidings
