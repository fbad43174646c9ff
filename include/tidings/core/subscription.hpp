/// The right to receive events, for as long as it is held.
#pragma once

#include <tidings/base/barrier.hpp>
#include <tidings/core/detail/bus_state.hpp>
#include <tidings/core/detail/handler_node.hpp>
#include <tidings/core/stats.hpp>

#include <utility>

namespace tidings {

/// What subscription::reset() can say of the handler when it returns.
using reset_result = base::barrier_result;

/// Owns one subscription: the handler receives events until the subscription is reset or destroyed, or its bus is.
/// May outlive its bus. Moving it moves nothing but a pointer; the handler stays where it is.
class [[nodiscard]] subscription {
public:
    /// Subscribed to nothing.
    subscription() noexcept = default;

    /// Adopts one reference to `node`.
    explicit subscription(detail::handler_node& node) noexcept : node_{&node} {}

    subscription(subscription&& other) noexcept : node_{std::exchange(other.node_, nullptr)} {}
    subscription& operator=(subscription&& other) noexcept {
        subscription{std::move(other)}.swap(*this);
        return *this;
    }
    ~subscription() {
        reset();
        if (node_ != nullptr) detail::bus_state::release(*node_);
    }

    /// Ends the subscription, and is a barrier: when it returns `ended`, the handler is not running, will never run
    /// again, and what it captured has been destroyed. So for every caller, also of several at once.
    ///
    /// Two cases return sooner, for waiting would never end: `running_here`, inside the handler itself, and
    /// `would_deadlock`, when the thread that runs the handler waits, through others or not, for this one; the latter
    /// goes to the bus's on_error too. The handler is not called again, and its captures are destroyed when the last
    /// call of it returns, on that thread.
    ///
    /// Blocks while another thread runs the handler. Holds no lock while the captures are destroyed. Thread-safe
    /// against itself, active() and stats(); not against a move of this object.
    /// Constant, but for one system call where other threads have published, and the wait.
    reset_result reset() noexcept { return node_ != nullptr ? node_->bus->remove(*node_) : reset_result::ended; }

    /// Whether the handler is still to receive events.
    bool active() const noexcept { return node_ != nullptr && node_->active.load(std::memory_order_acquire); }

    /// What was counted so far; stays readable after the end. Takes a lock, also against publishers that meet a new
    /// table. Linear in the handlers of the event type.
    subscription_stats stats() const noexcept {
        return node_ != nullptr ? node_->bus->stats(*node_) : subscription_stats{};
    }

    void swap(subscription& other) noexcept { std::swap(node_, other.node_); }

private:
    detail::handler_node* node_ = nullptr;
};

}  // namespace tidings
