/// A subscription that receives its events through a queue.
#pragma once

#include <tidings/base/publisher.hpp>
#include <tidings/base/sync.hpp>
#include <tidings/core/detail/handler_node.hpp>
#include <tidings/core/stats.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string_view>

namespace tidings::detail {

class event_queue;
class time_source;

/// What is counted of one subscription's queue.
struct queue_counts {
    // Of workers, who count before they leave the node. On a line of their own: publishers write the others.
    alignas(base::cache_line) base::atomic<std::uint64_t> delivered{0};
    base::atomic<std::uint64_t> failed{0};
    base::atomic<std::uint64_t> discarded{0};
    base::atomic<std::chrono::nanoseconds::rep> longest_wait{0};

    void note_wait(std::chrono::nanoseconds waited) noexcept {
        auto known = longest_wait.load(std::memory_order_relaxed);
        while (waited.count() > known &&
               !longest_wait.compare_exchange_weak(known, waited.count(), std::memory_order_relaxed)) {}
    }

    // Guarded by the queue's mutex.
    alignas(base::cache_line) std::uint64_t accepted = 0;
    std::uint64_t dropped = 0;
    std::uint64_t rejected = 0;
    std::uint64_t high_water = 0;

    subscription_stats read() const noexcept {
        subscription_stats s;
        s.delivered = delivered.load(std::memory_order_acquire);
        s.failed = failed.load(std::memory_order_acquire);
        s.discarded = discarded.load(std::memory_order_acquire);
        s.dropped = dropped;
        s.rejected = rejected;
        s.queued = accepted - (s.delivered + s.failed + s.discarded + s.dropped);
        s.high_water = high_water;
        s.longest_wait = std::chrono::nanoseconds{longest_wait.load(std::memory_order_relaxed)};
        return s;
    }
};

struct queued_node : handler_node {
    /// Runs the handler with an event from the queue.
    using handle_function = outcome (*)(queued_node&, base::slot&, const void* event) noexcept;

    queued_node(end_function destroy, std::size_t alignment, std::string_view subscriber, int order, bus_state& owner,
                const base::event_entry& type, const time_source* times, event_queue& events, call_function put,
                handle_function run, void (*release)(handler_node&) noexcept)
        : handler_node{destroy, alignment, subscriber, order, owner, put, put, this},
          origin{&type, times},
          queue{&events},
          handle{run},
          give_back{release} {}

    const base::table_base origin;  ///< what the slots of workers name
    event_queue* const queue;       ///< counted
    const handle_function handle;
    void (*const give_back)(handler_node&) noexcept;  ///< one reference: bus_state::release()
    queue_counts counts;
    bool closed = false;  ///< takes no more events; guarded by the queue's mutex

    // The bus's list of them; guarded by its registry's mutex.
    queued_node* next = nullptr;
    queued_node** link = nullptr;
};

}  // namespace tidings::detail
