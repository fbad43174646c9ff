/// What a bus and its subscriptions share. It lives until the last of them is gone.
#pragma once

#include <tidings/base/attachment.hpp>
#include <tidings/base/barrier.hpp>
#include <tidings/base/config.hpp>
#include <tidings/base/domain.hpp>
#include <tidings/base/error.hpp>
#include <tidings/base/growing_array.hpp>
#include <tidings/core/detail/channel.hpp>
#include <tidings/core/detail/error_reporter.hpp>
#include <tidings/core/detail/event_queue.hpp>
#include <tidings/core/detail/handler_node.hpp>
#include <tidings/core/detail/handler_table.hpp>
#include <tidings/core/detail/node_registry.hpp>
#include <tidings/core/detail/queued_node.hpp>
#include <tidings/core/detail/quiet_signal.hpp>
#include <tidings/core/detail/retired_tables.hpp>
#include <tidings/core/detail/time_source.hpp>
#include <tidings/core/detail/timer_list.hpp>
#include <tidings/core/detail/topic_router.hpp>
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

    // --- Event types -----------------------------------------------------------------------------------------------

    /// Where the table of an event type stands, by the type's number; null if nobody ever subscribed to a type of
    /// about that number here.
    const channel::place* find(std::uint32_t index) const noexcept { return places_.find(index); }

    /// The same without a choice, for numbers that near_place() is made for: see event_identity::cached_near().
    const channel::place& near_place(std::uint32_t index) const noexcept { return places_.near(index); }

    // --- Subscriptions ---------------------------------------------------------------------------------------------

    /// Lists the handler with the channel of its event type, which keeps a reference; returns false if the bus has
    /// closed. Throws std::bad_alloc and lists nothing then.
    bool add(const base::event_entry& type, handler_node& node) {
        std::lock_guard lock{mutex_};
        channel& home = open(type);
        node.home = &home;
        if (closed_) return false;
        const std::uint64_t before = retirements_;
        node.number = ++subscribed_;
        home.add(node);
        drop_routes([&](const handler_table& route) { return route.type == &type; });
        // Mostly remove() collects, whose fence is needed anyway.
        if (retirements_ != before && retirements_ % 16 == 0) collect(home);
        return true;
    }

    /// The same for a handler with a pattern, and with each channel whose event type's name the pattern fits.
    bool add(handler_node& node) {
        std::lock_guard lock{mutex_};
        if (closed_) return false;
        node.number = ++subscribed_;
        router_.add(node);
        node.active.store(true, std::memory_order_relaxed);  // ordered by the stores that list it
        TIDINGS_TRY {
            for (const auto& each : channels_)
                if (each && topic_router::takes(node, each->type(), each->type().event)) each->add(node);
        }
        TIDINGS_CATCH_ALL {
            take_out(node);
            TIDINGS_RETHROW;
        }
        drop_routes(
            [&](const handler_table& route) { return topic_router::takes(node, *route.type, route.route->topic); });
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
            if (node.home != nullptr) collect(node.home->retired(), fenced);
            if (router_.routes() != nullptr) collect_routed(fenced);
        }
        return result;
    }

    /// Clears the node's `active`, once, and takes it off its channel's list. Returns up to which number tables can be
    /// collected after a fence, if there are any.
    std::uint64_t deactivate(handler_node& node) noexcept {
        std::lock_guard lock{mutex_};
        if (!node.active.load(std::memory_order_relaxed)) return 0;
        take_out(node);
        return node.home == nullptr || !node.home->retired().empty() || router_.routes() != nullptr ? retirements_ : 0;
    }

    subscription_stats stats(const handler_node& node) const noexcept {
        if (node.queued != nullptr) return node.queued->queue->stats(*node.queued);
        std::lock_guard lock{mutex_};
        // Acquire pairs with slow_path: the publishes that these happened in are counted as passed.
        const std::uint64_t failed = node.failed.load(std::memory_order_acquire);
        const std::uint64_t missed = node.missed.load(std::memory_order_acquire);
        return {.delivered = passed(node) - missed - failed, .failed = failed};
    }

    // --- Queues ----------------------------------------------------------------------------------------------------

    node_registry& queued() noexcept { return queued_; }
    timer_list& timers() noexcept { return timers_; }
    const std::shared_ptr<quiet_signal>& quiet() const noexcept { return quiet_; }

    /// Throws std::bad_alloc.
    event_queue::owner make_queue(std::shared_ptr<executor_port> executor, const queue_settings& settings,
                                  bool by_key) {
        return event_queue::make(home_, std::move(executor), settings, by_key, times_, quiet_);
    }

    /// Queues take no more events.
    void stop_intake() noexcept {
        pop_waiter* ended = nullptr;
        queued_.for_each([&](queued_node& node) { node.queue->close(ended); });
        event_queue::resume(ended);
    }

    bus_stats stats() const noexcept {
        bus_stats sums = queued_.sums();
        std::lock_guard lock{mutex_};
        const std::uint64_t failed = sync_failed_.load(std::memory_order_acquire);
        const std::uint64_t missed = sync_missed_.load(std::memory_order_acquire);
        std::uint64_t calls = 0;
        for (const auto& each : channels_)
            if (each) calls += each->calls();
        if (router_.routes() != nullptr) calls += router_.routes()->calls();
        sums.delivered += calls - missed - failed;
        sums.failed += failed;
        return sums;
    }

    void count_sync_failure() noexcept { sync_failed_.fetch_add(1, std::memory_order_release); }
    void count_sync_miss() noexcept { sync_missed_.fetch_add(1, std::memory_order_release); }

    // --- For publishers --------------------------------------------------------------------------------------------

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

    // --- Topics ----------------------------------------------------------------------------------------------------

    /// Whether handlers have subscribed to topics.
    bool routes_topics() const noexcept { return router_.in_use(); }

    /// Null unless routes_topics() was true.
    const route_cache* routes() const noexcept { return router_.routes(); }

    /// Makes the channel of an event type that nobody named, for those who subscribed to topics. Throws std::bad_alloc.
    void open_for_topics(const base::event_entry& type) {
        const base::atomic<bool>* const known = known_types_.find(type.index);
        if (known != nullptr && known->load(std::memory_order_acquire)) return;
        std::lock_guard lock{mutex_};
        if (!closed_) open(type);
    }

    /// Makes the table of that type and topic, which the slot names then; null if the bus has closed. Throws
    /// std::bad_alloc, and tidings::error where no event may have that topic.
    handler_table* open_route(base::slot& frame, const base::event_entry& type, std::string_view topic) {
        std::lock_guard lock{mutex_};
        if (closed_ || router_.routes() == nullptr) return nullptr;
        if (!router_.is_name(topic)) TIDINGS_THROW(error{errc::invalid_topic, "tidings: publish"});
        std::vector<handler_node*> nodes = router_.match(type, topic);
        if (type.index < channels_.size() && channels_[type.index])
            channels_[type.index]->for_each_active([&](handler_node& node) {
                if (node.routed == nullptr) nodes.push_back(&node);
            });
        handler_table* const made =
            handler_table::make({&type, times_.get()}, static_cast<std::uint32_t>(nodes.size()), topic);
        for (handler_node* const node : nodes) made->push(*node);
        const std::uint64_t before = retirements_;
        router_.routes()->put(*made, retirements_);
        frame.table.store(made, base::store_order);  // under the lock: who retires it sees that
        frame.publishes = nullptr;
        if (retirements_ != before && retirements_ % 16 == 0) {
            home_.heavy_fence(home_.find());
            collect(router_.routes()->retired(), retirements_);
        }
        return made;
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
            for (handler_node* const node : router_.nodes()) {
                node->active.store(false, base::store_order);
                wait_for(*node);
            }
            for (const auto& each : channels_)
                if (each) each->close(wait_for);
            drop_routes([](const handler_table&) { return true; });
            if (route_cache* const routes = router_.routes()) routes->retired().for_each_handler(wait_for);
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
        if (!collect_all()) orphanage::here().adopt(*this);
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
                    if (each.collect_all()) {
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

    /// The channel of an event type, made if there is none. Holds mutex_. Throws std::bad_alloc.
    channel& open(const base::event_entry& type) {
        if (type.index >= channels_.size()) channels_.resize(type.index + 1);
        auto& opened = channels_[type.index];
        if (!opened) {
            base::atomic<bool>& known = known_types_.open(type.index);
            auto made = std::make_unique<channel>(base::table_base{&type, times_.get()}, places_.open(type.index),
                                                  retirements_);
            if (router_.in_use() && !closed_) made->add(router_.match(type, type.event));
            opened = std::move(made);
            known.store(true, std::memory_order_release);
        }
        return *opened;
    }

    /// Makes an active handler inactive, and takes it off all lists. Holds mutex_.
    void take_out(handler_node& node) noexcept {
        node.active.store(false, base::store_order);  // pairs with the publisher's look at it
        if (node.home != nullptr) {
            node.home->remove();
            drop_routes([&](const handler_table& route) { return route.type == &node.home->type(); });
            return;
        }
        router_.remove(node);
        for (const auto& each : channels_)
            if (each && topic_router::takes(node, each->type(), each->type().event) && each->lists(node))
                each->remove();
        drop_routes(
            [&](const handler_table& route) { return topic_router::takes(node, *route.type, route.route->topic); });
    }

    /// Holds mutex_.
    template <class Changed>
    void drop_routes(Changed changed) noexcept {
        if (route_cache* const routes = router_.routes()) routes->drop(retirements_, changed);
    }

    /// How many publishes came to the node. Holds mutex_.
    std::uint64_t passed(const handler_node& node) const noexcept {
        std::uint64_t sum = node.passed;
        if (router_.routes() != nullptr) sum += router_.routes()->passed(node);
        if (node.home != nullptr) return sum + node.home->passed(node);
        for (const auto& each : channels_)
            if (each) sum += each->passed(node);
        return sum;
    }

    /// Holds mutex_.
    void collect(channel& c) noexcept {
        if (c.retired().empty()) return;
        home_.heavy_fence(home_.find());
        collect(c.retired(), retirements_);
    }

    void collect(retired_tables& tables, std::uint64_t fenced) noexcept {
        tables.collect(home_, fenced, [](handler_node& node) { release(node); });
    }

    /// What a handler with a pattern may have been in. Holds mutex_.
    void collect_routed(std::uint64_t fenced) noexcept {
        for (const auto& each : channels_)
            if (each) collect(each->retired(), fenced);
        collect(router_.routes()->retired(), fenced);
    }

    /// Returns whether nothing is left to collect.
    bool collect_all() noexcept {
        std::lock_guard lock{mutex_};
        bool none_left = true;
        for (const auto& each : channels_) {
            if (!each) continue;
            collect(*each);
            none_left = none_left && each->retired().empty();
        }
        if (route_cache* const routes = router_.routes(); routes != nullptr && !routes->retired().empty()) {
            home_.heavy_fence(home_.find());
            collect(routes->retired(), retirements_);
            none_left = none_left && routes->retired().empty();
        }
        return none_left;
    }

    void report_deadlock(const handler_node& node) const noexcept {
        errors_.report(handler_error{node.name, node.home != nullptr ? node.home->type().event : node.routed->text(),
                                     "reset() returned while the handler runs on a thread that waits for this one"});
    }

    base::domain& home_;
    base::growing_array<channel::place> places_;
    base::growing_array<base::atomic<bool>> known_types_;  // have a channel
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
    std::vector<std::unique_ptr<channel>> channels_;  // by the event type's number
    topic_router router_;
    std::uint64_t subscribed_ = 0;
    std::uint64_t retirements_ = 0;  // tables that were replaced

    bus_state* next_orphan_ = nullptr;  // guarded by the orphanage's mutex
};

}  // namespace tidings::detail
