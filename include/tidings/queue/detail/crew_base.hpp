/// The workers of a queue, as the queue knows them.
#pragma once

#include <tidings/base/barrier.hpp>
#include <tidings/base/job.hpp>
#include <tidings/executor/executor.hpp>
#include <tidings/queue/detail/message.hpp>
#include <tidings/queue/detail/message_list.hpp>

#include <cstdint>
#include <memory>
#include <utility>

namespace tidings::work_queue_detail {

/// What has been given to a receiver, or to a handler.
struct attempt {
    message* at = nullptr;    ///< null: nothing
    std::uint64_t token = 0;  ///< of its lease
    unsigned number = 0;      ///< from 1
};

/// Guarded by its lock but for what is constant.
struct crew_base {
    struct worker : base::job {
        worker(function f, crew_base& of) noexcept : job{f}, home{&of} {}
        crew_base* const home;
        message_list fetched;  ///< leased, and not begun
        worker* next_free = nullptr;
    };

    explicit crew_base(std::shared_ptr<tidings::detail::executor_port> at) noexcept : port{std::move(at)} {}
    crew_base(const crew_base&) = delete;
    crew_base& operator=(const crew_base&) = delete;

    /// A worker that is to be posted; null: all are. It keeps the crew until it is dismissed.
    virtual worker* hire() noexcept = 0;

    /// A share of it. Only while it stands in its queue's list.
    virtual std::shared_ptr<crew_base> share() noexcept = 0;

    /// See workers::stop(). Without the lock.
    virtual base::barrier_result stop() noexcept = 0;

    const std::shared_ptr<tidings::detail::executor_port> port;
    bool stopped = false;
    crew_base* next = nullptr;

protected:
    ~crew_base() = default;
};

}  // namespace tidings::work_queue_detail
