/// Handlers that empty a work queue.
#pragma once

#include <tidings/base/barrier.hpp>
#include <tidings/core/subscription.hpp>
#include <tidings/executor/executor.hpp>
#include <tidings/queue/detail/crew.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <utility>

namespace tidings {

struct consume_options {
    executor_ref executor{};  ///< empty: the shared pool, see shared_executor()
    unsigned workers = 0;     ///< how many handlers run at a time, at most; 0: as many as the executor has threads

    /// How many messages a worker fetches at once, at most: fewer where there are few, so that the others get theirs.
    /// It begins with each when its turn comes, with a lease of full length and one more attempt.
    std::size_t prefetch = 20;

    /// How long a message waits after its handler failed.
    std::chrono::steady_clock::duration retry_delay{};
};

/// Owns the workers of one work_queue::consume(): its handler receives messages until this is stopped or destroyed, or
/// the queue is. May outlive the queue.
class [[nodiscard]] workers {
public:
    /// None.
    workers() noexcept = default;

    /// For the library.
    explicit workers(std::shared_ptr<work_queue_detail::crew> crew) noexcept : crew_{std::move(crew)} {}

    workers(workers&& other) noexcept = default;
    workers& operator=(workers&& other) noexcept {
        workers{std::move(other)}.swap(*this);
        return *this;
    }
    ~workers() { stop(); }

    /// No handler begins any more, and messages that were fetched for one are ready again at once, where they were
    /// before, with no attempt counted. A barrier as subscription::reset() is: when it returns `ended`, no handler
    /// runs, what they did to their messages is done, and what the handler captured has been destroyed. `running_here`,
    /// from inside the handler, and `would_deadlock` do not wait; the handler then ends by itself.
    ///
    /// Blocks while other threads run the handler. Thread-safe; not against a move of this object.
    reset_result stop() noexcept { return crew_ != nullptr ? crew_->stop() : reset_result::ended; }

    void swap(workers& other) noexcept { crew_.swap(other.crew_); }

private:
    std::shared_ptr<work_queue_detail::crew> crew_;
};

}  // namespace tidings
