/// The subscriptions of a bus that have queues.
#pragma once

#include <tidings/base/sync.hpp>
#include <tidings/core/detail/event_queue.hpp>
#include <tidings/core/detail/queued_node.hpp>
#include <tidings/core/stats.hpp>

#include <chrono>
#include <cstdint>
#include <mutex>

namespace tidings::detail {

/// Thread-safe. Its mutex may be held when a queue's is taken, not the other way round.
class node_registry {
public:
    void add(queued_node& node) noexcept {
        std::lock_guard lock{mutex_};
        node.next = first_;
        node.link = &first_;
        if (first_ != nullptr) first_->link = &node.next;
        first_ = &node;
    }

    /// Its counts are kept.
    void remove(queued_node& node) noexcept {
        std::lock_guard lock{mutex_};
        if (node.link == nullptr) return;
        ended_ += node.queue->stats(node);
        *node.link = node.next;
        if (node.next != nullptr) node.next->link = node.link;
    }

    /// Those that have ended included.
    subscription_stats sums() const noexcept {
        std::lock_guard lock{mutex_};
        subscription_stats all = ended_;
        for (const queued_node* n = first_; n != nullptr; n = n->next) all += n->queue->stats(*n);
        return all;
    }

    /// The sum of what `visit(node)` returns, and of all that those have accepted that have ended.
    template <class Visit>
    std::uint64_t count_accepted(Visit visit) {
        std::lock_guard lock{mutex_};
        std::uint64_t accepted = ended_.accepted();
        for (queued_node* n = first_; n != nullptr; n = n->next) accepted += visit(*n);
        return accepted;
    }

    template <class Visit>
    void for_each(Visit visit) {
        std::lock_guard lock{mutex_};
        for (queued_node* n = first_; n != nullptr; n = n->next) visit(*n);
    }

private:
    mutable base::mutex mutex_;
    queued_node* first_ = nullptr;
    subscription_stats ended_;
};

}  // namespace tidings::detail
