/// What a bus and its subscriptions share. It lives until the last of them is gone.
#pragma once

#include <tidings/base/attachment.hpp>
#include <tidings/base/barrier.hpp>
#include <tidings/base/config.hpp>
#include <tidings/base/domain.hpp>
#include <tidings/core/detail/channel_list.hpp>
#include <tidings/core/detail/error_reporter.hpp>
#include <tidings/core/detail/event_queue.hpp>
#include <tidings/core/detail/handler_node.hpp>
#include <tidings/core/detail/handler_table.hpp>
#include <tidings/core/detail/node_registry.hpp>
#include <tidings/core/detail/queued_node.hpp>
#include <tidings/core/detail/quiet_signal.hpp>
#include <tidings/core/detail/time_source.hpp>
#include <tidings/core/detail/timer_list.hpp>
#include <tidings/core/stats.hpp>
#include <tidings/executor/clock.hpp>
#include <tidings/executor/executor.hpp>
#include <tidings/executor/shared_pool.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

namespace tidings::detail {

class bus_state {
public:
    bus_state(executor_ref executor, const clock_ref& clock, error_handler on_error)
        : home_{base::domain::here()},
          executor_{std::move(executor)},
          times_{clock ? std::make_shared<const time_source>(clock.port()) : nullptr},
          errors_{std::move(on_error)} {}
    bus_state(const bus_state&) = delete;
    bus_state& operator=(const bus_state&) = delete;

    base::domain& home() const noexcept { return home_; }
    const error_reporter& errors() const noexcept { return errors_; }

    /// Null: the system's clock.
    const std::shared_ptr<const time_source>& times() const noexcept { return times_; }

    /// Where queues without an executor of their own are emptied. Starts the shared pool if it is that.
    executor_ref executor() const { return executor_ ? executor_ : shared_executor(); }

    // --- Lifetime --------------------------------------------------------------------------------------------------

    void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
    void release() noexcept {
        // Acquire and release: what every owner did happened before the end.
        if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
    }

    static void retain(handler_node& node) noexcept { node.references.fetch_add(1, std::memory_order_relaxed); }
    /// False: it is being freed.
    static bool try_retain(handler_node& node) noexcept {
        std::uint32_t count = node.references.load(std::memory_order_relaxed);
        while (count != 0)
            if (node.references.compare_exchange_weak(count, count + 1, std::memory_order_relaxed)) return true;
        return false;
    }
    static void release(handler_node& node) noexcept {
        if (node.references.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
        bus_state& owner = *node.bus;
        if (queued_node* const queued = node.queued) {
            owner.queued_.remove(*queued);
            event_queue& queue = *queued->queue;
            handler_node::free(queued);
            queue.release();
        } else {
            handler_node::free(&node);
        }
        owner.release();
    }

    // --- Subscriptions ---------------------------------------------------------------------------------------------

    /// Lists the handler with the channel of its event type, which keeps a reference; returns false if the bus has
    /// closed. Throws std::bad_alloc and lists nothing then.
    bool add(const base::event_entry& type, handler_node& node) {
        std::lock_guard lock{mutex_};
        node.home = &channels_.open(type);
        if (closed_) return false;
        channels_.add(*node.home, node);
        return true;
    }

    /// The same for a handler with a pattern, and with each channel whose event type's name the pattern fits.
    bool add(handler_node& node) {
        std::lock_guard lock{mutex_};
        if (closed_) return false;
        channels_.add(node);
        return true;
    }

    /// Ends a subscription; every caller gets the barrier. Calls user code: the destructor of the handler.
    base::barrier_result remove(handler_node& node) noexcept {
        if (node.state.load(std::memory_order_acquire) == base::runnable::progress::ended)
            return base::barrier_result::ended;
        const base::attachment here{home_, std::nothrow};
        base::publisher* const self = here.get();
        const std::uint64_t fenced = deactivate(node);
        if (node.queued != nullptr) node.queued->queue->close(*node.queued);
        home_.heavy_fence(self);
        const base::barrier_result result = base::wait_until_ended(home_, self, node);
        if (result == base::barrier_result::would_deadlock) report_deadlock(node);
        if (fenced != 0) {
            std::lock_guard lock{mutex_};
            channels_.collect(node, fenced);
        }
        return result;
    }

    /// Clears the node's `active`, once, and takes it off its channel's list. Returns up to which number tables can be
    /// collected after a fence, if there are any.
    std::uint64_t deactivate(handler_node& node) noexcept {
        std::lock_guard lock{mutex_};
        if (!node.active.load(std::memory_order_relaxed)) return 0;
        channels_.take_out(node);
        return channels_.collectable(node);
    }

    subscription_stats stats(const handler_node& node) const noexcept {
        if (node.queued != nullptr) return node.queued->queue->stats(*node.queued);
        std::lock_guard lock{mutex_};
        // Acquire pairs with slow_path: the publishes that these happened in are counted as passed.
        const std::uint64_t failed = node.failed.load(std::memory_order_acquire);
        const std::uint64_t missed = node.missed.load(std::memory_order_acquire);
        return {.delivered = channels_.passed(node) - missed - failed, .failed = failed};
    }

    // --- Queues ----------------------------------------------------------------------------------------------------

    node_registry& queued() noexcept { return queued_; }
    timer_list& timers() noexcept { return timers_; }
    const std::shared_ptr<quiet_signal>& quiet() const noexcept { return quiet_; }

    /// Throws std::bad_alloc.
    event_queue::owner make_queue(std::shared_ptr<executor_port> executor, const queue_settings& settings, bool by_key,
                                  redelivery returns = redelivery::never) {
        return event_queue::make(home_, std::move(executor), settings, by_key, returns, times_, quiet_);
    }

    /// Queues take no more events.
    void stop_intake() noexcept {
        pop_waiter* ended = nullptr;
        queued_.for_each([&](queued_node& node) { node.queue->close(ended); });
        event_queue::let_go(ended);
    }

    bus_stats stats() const noexcept {
        bus_stats sums = queued_.sums();
        std::lock_guard lock{mutex_};
        const std::uint64_t failed = sync_failed_.load(std::memory_order_acquire);
        const std::uint64_t missed = sync_missed_.load(std::memory_order_acquire);
        sums.delivered += channels_.calls() - missed - failed;
        sums.failed += failed;
        return sums;
    }

    void count_sync_failure() noexcept { sync_failed_.fetch_add(1, std::memory_order_release); }
    void count_sync_miss() noexcept { sync_missed_.fetch_add(1, std::memory_order_release); }

    // --- For publishers --------------------------------------------------------------------------------------------

    /// Where tables stand. What it does not say of itself is for who holds mutex_.
    const channel_list& channels() const noexcept { return channels_; }

    /// Throws std::bad_alloc.
    handler_table::counter& add_counter(const base::publisher& self, handler_table& table) {
        std::lock_guard lock{mutex_};
        return table.add_counter(self);
    }

    /// Lets every eighth publisher that meets a table with ended handlers replace it: by then they have cost about as
    /// much as a new table does.
    void repair_after_a_while(handler_table& table) noexcept {
        if (table.owner == nullptr || table.disturbed_publishes.fetch_add(1, std::memory_order_relaxed) % 8 != 7)
            return;
        std::lock_guard lock{mutex_};
        table.owner->repair(table);
    }

    /// Makes the channel of an event type that nobody named, for those who subscribed to topics. Throws std::bad_alloc.
    void open_for_topics(const base::event_entry& type) {
        if (channels_.is_known(type.index)) return;
        std::lock_guard lock{mutex_};
        if (!closed_) channels_.open(type);
    }

    /// See channel_list::open_route(); null if the bus has closed.
    handler_table* open_route(base::slot& frame, const base::event_entry& type, std::string_view topic) {
        std::lock_guard lock{mutex_};
        return closed_ ? nullptr : channels_.open_route(frame, type, topic);
    }

    // --- The end ---------------------------------------------------------------------------------------------------

    /// Ends every subscription as remove() does. Afterwards nothing can be added.
    void close() noexcept {
        const base::attachment here{home_, std::nothrow};
        base::publisher* const self = here.get();
        handler_node* closing = nullptr;
        {
            std::lock_guard lock{mutex_};
            closed_ = true;
            // A handler whose subscription was reset may still run, there or here: it is waited for, too.
            const auto wait_for = [&](handler_node& node) {
                if (node.closing || node.state.load(std::memory_order_acquire) == base::runnable::progress::ended)
                    return;
                if (!try_retain(node)) return;
                node.closing = true;
                node.next_closing = std::exchange(closing, &node);
            };
            channels_.close(wait_for);
            queued_.for_each([&](queued_node& node) {  // it may be in no table
                if (!node.active.load(std::memory_order_relaxed)) wait_for(node);
            });
        }
        for (handler_node* node = closing; node != nullptr; node = node->next_closing)
            if (node->queued != nullptr) node->queued->queue->close(*node->queued);
        home_.heavy_fence(self);
        bool all_ended = true;
        while (closing != nullptr) {
            handler_node& node = *std::exchange(closing, closing->next_closing);
            const base::barrier_result result = base::wait_until_ended(home_, self, node);
            if (result == base::barrier_result::would_deadlock) report_deadlock(node);
            all_ended = all_ended && result == base::barrier_result::ended;
            release(node);
        }
        if (all_ended) errors_.clear();  // else a handler still runs, and may fail
        if (self != nullptr) self->forget_tables();
        if (!has_collected_all()) orphanage::here().adopt(*this);
    }

    /// Frees what closed buses left behind because a publish was under way in them. Later buses call it.
    static void sweep() noexcept { orphanage::here().sweep(); }

private:
    /// Closed buses whose tables a publisher still reads: its own handler destroyed the bus, or it was a moment from
    /// the end of its list.
    class orphanage {
    public:
        static orphanage& here() noexcept { return base::process_wide<orphanage>(); }

        orphanage() = default;
        orphanage(const orphanage&) = delete;
        orphanage& operator=(const orphanage&) = delete;
        ~orphanage() { sweep(); }  // only where each run of a simulation has one of its own

        void adopt(bus_state& closed) noexcept {
            closed.retain();
            std::lock_guard lock{mutex_};
            closed.next_orphan_ = std::exchange(first_, &closed);
        }

        void sweep() noexcept {
            bus_state* free = nullptr;
            {
                std::lock_guard lock{mutex_};
                for (bus_state** link = &first_; *link != nullptr;) {
                    bus_state& each = **link;
                    if (each.has_collected_all()) {
                        *link = each.next_orphan_;
                        each.next_orphan_ = std::exchange(free, &each);
                    } else {
                        link = &each.next_orphan_;
                    }
                }
            }
            while (free != nullptr) std::exchange(free, free->next_orphan_)->release();
        }

    private:
        base::mutex mutex_;
        bus_state* first_ = nullptr;  // guarded by mutex_
    };

    ~bus_state() = default;

    /// Whether nothing is left that publishers may read.
    bool has_collected_all() noexcept {
        std::lock_guard lock{mutex_};
        return channels_.collect_all();
    }

    void report_deadlock(const handler_node& node) const noexcept {
        errors_.report(handler_error{node.name, node.home != nullptr ? node.home->type().event : node.routed->text(),
                                     "reset() returned while the handler runs on a thread that waits for this one"});
    }

    base::domain& home_;
    const executor_ref executor_;
    const std::shared_ptr<const time_source> times_;
    const std::shared_ptr<quiet_signal> quiet_ = std::make_shared<quiet_signal>();
    node_registry queued_;
    timer_list timers_;
    base::atomic<std::uint64_t> sync_failed_{0};
    base::atomic<std::uint64_t> sync_missed_{0};
    error_reporter errors_;
    base::atomic<std::uint32_t> references_{1};
    mutable base::mutex mutex_;

    // Guarded by mutex_.
    bool closed_ = false;
    channel_list channels_{home_, times_.get(), static_cast<channel_list::release_function>(&release)};

    bus_state* next_orphan_ = nullptr;  // guarded by the orphanage's mutex
};

}  // namespace tidings::detail
