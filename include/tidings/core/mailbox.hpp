/// Events that wait until somebody fetches them.
#pragma once

#include <tidings/base/idle_hook.hpp>
#include <tidings/base/job.hpp>
#include <tidings/base/sync.hpp>
#include <tidings/core/delivery.hpp>
#include <tidings/core/detail/envelope.hpp>
#include <tidings/core/detail/event_queue.hpp>
#include <tidings/core/detail/queued_node.hpp>
#include <tidings/core/publish.hpp>
#include <tidings/core/stats.hpp>
#include <tidings/core/subscription.hpp>
#include <tidings/executor/executor.hpp>

#include <chrono>
#include <coroutine>
#include <cstddef>
#include <iterator>
#include <memory>
#include <utility>

namespace tidings {

struct mailbox_options {
    std::size_t capacity = 1'024;
    overflow when_full = overflow::block;

    /// Where coroutines that wait for an event go on. Empty: the bus's executor.
    executor_ref resume_on{};
};

/// An event out of a mailbox, or none. Others may look at the same event, so it is const.
template <class E>
class [[nodiscard]] received {
public:
    received() noexcept = default;

    explicit operator bool() const noexcept { return event_ != nullptr; }
    const E& operator*() const noexcept { return *static_cast<const E*>(event_->event()); }
    const E* operator->() const noexcept { return &**this; }

    /// What the publisher said of it; null: nothing. Valid as long as this.
    const publish_options* options() const noexcept { return event_->options(); }

    /// Adopts one share. For the library.
    explicit received(detail::envelope* event) noexcept : event_{event} {}

private:
    struct release {
        void operator()(detail::envelope* event) const noexcept { detail::envelope::release(event); }
    };
    std::unique_ptr<detail::envelope, release> event_;
};

/// A subscription whose events wait in a queue until the program fetches them, from one thread or from several: each
/// event comes out once, in the order of publication. It ends with this object, or its bus; what then waits is
/// discarded, and counted.
///
/// Thread-safe but for moves and the destructor; nobody may be in receive() then.
template <class E>
class [[nodiscard]] mailbox {
public:
    /// For the library: of a subscription whose queue has no executor.
    mailbox(subscription subscribed, detail::queued_node& node, executor_ref resume_on) noexcept
        : resume_on_{std::move(resume_on)}, subscription_{std::move(subscribed)}, node_{&node} {}

    /// Waits for an event. Empty when the mailbox or its bus is closed and nothing is left. In a simulation: also when
    /// nothing is left that could bring one.
    received<E> receive() { return pop(base::idle_hook::never); }

    /// The same, for no longer than `duration`.
    template <class Rep, class Period>
    received<E> receive_for(std::chrono::duration<Rep, Period> duration) {
        const auto now = detail::time_source::now(node_->origin.times);
        return pop(detail::later(now, duration));
    }

    /// Does not wait.
    received<E> try_receive() { return pop(std::chrono::steady_clock::time_point::min()); }

    /// No more events come in; those that wait can be fetched still.
    void close() noexcept { node_->queue->close(*node_); }

    subscription_stats stats() const noexcept { return subscription_.stats(); }

    /// `received<E> e = co_await box.next();` in a coroutine of any type. It goes on inside the expression where an
    /// event waits, otherwise on the executor. Empty as for receive(). A coroutine that waits must not be destroyed.
    auto next() noexcept {
        class awaiting : detail::pop_waiter {
        public:
            awaiting(mailbox& box) noexcept : pop_waiter{&act_on}, box_{&box} {}
            bool await_ready() noexcept { return false; }
            bool await_suspend(std::coroutine_handle<> handle) {
                handle_ = handle;
                return box_->node_->queue->pop_or_wait(*box_->node_, *this, *box_->resume_on_.port());
            }
            received<E> await_resume() noexcept { return received<E>{event}; }

        private:
            static void act_on(base::job& self, bool) noexcept { static_cast<awaiting&>(self).handle_.resume(); }
            mailbox* box_;
            std::coroutine_handle<> handle_;
        };
        return awaiting{*this};
    }

    /// Receives until there is nothing left and nothing will come: `for (const order_placed& e : box)`.
    class iterator {
    public:
        using iterator_concept = std::input_iterator_tag;
        using value_type = E;
        using difference_type = std::ptrdiff_t;

        explicit iterator(mailbox& box) : box_{&box}, event_{box.receive()} {}
        const E& operator*() const noexcept { return *event_; }
        iterator& operator++() {
            event_ = box_->receive();
            return *this;
        }
        void operator++(int) { ++*this; }
        friend bool operator==(const iterator& i, std::default_sentinel_t) noexcept { return !i.event_; }

    private:
        mailbox* box_;
        received<E> event_;
    };
    iterator begin() { return iterator{*this}; }
    std::default_sentinel_t end() const noexcept { return {}; }

private:
    received<E> pop(std::chrono::steady_clock::time_point deadline) {
        return received<E>{node_->queue->pop(*node_, deadline)};
    }

    executor_ref resume_on_;  // the end of the subscription posts to it
    subscription subscription_;
    detail::queued_node* node_;  // the subscription keeps it
};

}  // namespace tidings
