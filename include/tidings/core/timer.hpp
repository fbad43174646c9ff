/// The right to take back an event that is to be published later.
#pragma once

#include <tidings/base/barrier.hpp>
#include <tidings/core/detail/timer_node.hpp>
#include <tidings/core/subscription.hpp>

#include <atomic>
#include <utility>

namespace tidings {

/// From bus::publish_after(), publish_at() and publish_every(). Destroying it leaves the event to be published.
class [[nodiscard]] timer {
public:
    /// Of no event.
    timer() noexcept = default;

    /// Adopts one reference to `node`.
    explicit timer(detail::timer_node& node) noexcept : node_{&node} {}

    timer(timer&& other) noexcept : node_{std::exchange(other.node_, nullptr)} {}
    timer& operator=(timer&& other) noexcept {
        timer{std::move(other)}.swap(*this);
        return *this;
    }
    ~timer() {
        if (node_ != nullptr) node_->release();
    }

    /// Takes the event back, and is a barrier like subscription::reset(): when it returns `ended`, the event is not
    /// being published on any thread and never will be (again), and it has been destroyed. Waits for handlers on the
    /// thread that publishes it; what it put into queues is out of its reach. The other results are those of
    /// subscription::reset(). Thread-safe, but not against a move of this object.
    reset_result cancel() noexcept { return node_ != nullptr ? node_->cancel() : reset_result::ended; }

    /// Whether the event is still to be published (again).
    bool pending() const noexcept { return node_ != nullptr && node_->active.load(std::memory_order_acquire); }

    void swap(timer& other) noexcept { std::swap(node_, other.node_); }

private:
    detail::timer_node* node_ = nullptr;
};

}  // namespace tidings
