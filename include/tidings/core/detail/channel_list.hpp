/// All that handlers of a bus are listed in.
#pragma once

#include <tidings/base/config.hpp>
#include <tidings/base/domain.hpp>
#include <tidings/base/error.hpp>
#include <tidings/base/event_registry.hpp>
#include <tidings/base/growing_array.hpp>
#include <tidings/base/publisher.hpp>
#include <tidings/base/sync.hpp>
#include <tidings/core/detail/channel.hpp>
#include <tidings/core/detail/handler_node.hpp>
#include <tidings/core/detail/handler_table.hpp>
#include <tidings/core/detail/retired_tables.hpp>
#include <tidings/core/detail/time_source.hpp>
#include <tidings/core/detail/topic_router.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace tidings::detail {

/// The channels of a bus by event type, and its routes by topic. A handler with a pattern is in each channel whose
/// event type's name fits, and in the routes that do. Guarded by the bus state's mutex, where it says nothing else.
class channel_list {
public:
    using release_function = void (*)(handler_node&) noexcept;

    /// `release` ends one reference to a node.
    channel_list(base::domain& home, const time_source* times, release_function release) noexcept
        : home_{home}, times_{times}, release_{release} {}
    channel_list(const channel_list&) = delete;
    channel_list& operator=(const channel_list&) = delete;

    // --- For everyone ----------------------------------------------------------------------------------------------

    /// Where the table of an event type stands, by the type's number; null if nobody ever subscribed to a type of
    /// about that number here.
    const channel::place* find(std::uint32_t index) const noexcept { return places_.find(index); }

    /// The same without a choice, for numbers that near_place() is made for: see event_identity::cached_near().
    const channel::place& near_place(std::uint32_t index) const noexcept { return places_.near(index); }

    /// Whether there are handlers with patterns.
    bool routes_topics() const noexcept { return router_.in_use(); }

    /// Null unless routes_topics() was true.
    const route_cache* routes() const noexcept { return router_.routes(); }

    /// Whether the event type has a channel.
    bool is_known(std::uint32_t index) const noexcept {
        const base::atomic<bool>* const known = known_types_.find(index);
        return known != nullptr && known->load(std::memory_order_acquire);
    }

    // --- Listing ---------------------------------------------------------------------------------------------------

    /// The channel of an event type, made if there is none. Throws std::bad_alloc.
    channel& open(const base::event_entry& type) {
        if (type.index >= channels_.size()) channels_.resize(type.index + 1);
        auto& opened = channels_[type.index];
        if (!opened) {
            base::atomic<bool>& known = known_types_.open(type.index);
            auto made =
                std::make_unique<channel>(base::table_base{&type, times_}, places_.open(type.index), retirements_);
            if (router_.in_use()) made->add(router_.match(type, type.event));
            opened = std::move(made);
            known.store(true, std::memory_order_release);
        }
        return *opened;
    }

    /// Lists a handler of one event type. Throws std::bad_alloc and lists nothing then.
    void add(channel& home, handler_node& node) {
        const std::uint64_t before = retirements_;
        node.number = ++subscribed_;
        home.add(node);
        drop_routes([&](const handler_table& route) { return route.type == &home.type(); });
        // Mostly collect() does it, where the fence is needed anyway.
        if (is_time_to_collect(before)) collect_fenced(home.retired());
    }

    /// Lists a handler with a pattern. Throws std::bad_alloc and lists nothing then.
    void add(handler_node& node) {
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
        drop_routes([&](const handler_table& route) { return topic_router::takes(node, route); });
    }

    /// Makes an active handler inactive, and takes it off all lists.
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
        drop_routes([&](const handler_table& route) { return topic_router::takes(node, route); });
    }

    /// Makes the table of that type and topic, which the slot names then. Throws std::bad_alloc, and tidings::error
    /// where no event may have that topic. Null: there are no patterns any more.
    handler_table* open_route(base::slot& frame, const base::event_entry& type, std::string_view topic) {
        route_cache* const routes = router_.routes();
        if (routes == nullptr) return nullptr;
        if (!router_.is_name(topic)) TIDINGS_THROW(error{errc::invalid_topic, "tidings: publish"});
        std::vector<handler_node*> nodes = router_.match(type, topic);
        if (type.index < channels_.size() && channels_[type.index])
            channels_[type.index]->for_each_active([&](handler_node& node) {
                if (node.routed == nullptr) nodes.push_back(&node);
            });
        handler_table* const made =
            handler_table::make({&type, times_}, static_cast<std::uint32_t>(nodes.size()), topic);
        for (handler_node* const node : nodes) made->push(*node);
        if (!nodes.empty()) made->route->bus = nodes.front()->bus;
        const std::uint64_t before = retirements_;
        routes->put(*made, retirements_);
        frame.table.store(made, base::store_order);  // under the lock: who retires it sees that
        frame.publishes = nullptr;
        if (is_time_to_collect(before)) collect_fenced(routes->retired());
        return made;
    }

    /// Makes every handler inactive; ends all tables. Calls `visit(node)` for each, and for those that were inactive
    /// already and may run still; maybe several times. Nothing is added afterwards.
    template <class Visit>
    void close(Visit visit) noexcept {
        for (handler_node* const node : router_.nodes()) {
            node->active.store(false, base::store_order);
            visit(*node);
        }
        router_.forget_all();
        for (const auto& each : channels_)
            if (each) each->close(visit);
        drop_routes([](const handler_table&) { return true; });
        if (route_cache* const routes = router_.routes()) routes->retired().for_each_handler(visit);
    }

    // --- Counting --------------------------------------------------------------------------------------------------

    /// How many calls of handlers without a queue there were.
    std::uint64_t calls() const noexcept {
        std::uint64_t sum = router_.routes() != nullptr ? router_.routes()->calls() : 0;
        for (const auto& each : channels_)
            if (each) sum += each->calls();
        return sum;
    }

    /// How many publishes came to the node.
    std::uint64_t passed(const handler_node& node) const noexcept {
        std::uint64_t sum = node.passed;
        if (router_.routes() != nullptr) sum += router_.routes()->passed(node);
        if (node.home != nullptr) return sum + node.home->passed(node);
        for (const auto& each : channels_)
            if (each) sum += each->passed(node);
        return sum;
    }

    // --- Freeing tables that were replaced -------------------------------------------------------------------------

    /// Up to which number tables that may list the node can be collected after a fence; 0: there are none.
    std::uint64_t collectable(const handler_node& node) const noexcept {
        const bool none = node.home != nullptr && node.home->retired().empty() && router_.routes() == nullptr;
        return none ? 0 : retirements_;
    }

    /// Frees what may list the node, of the tables up to number `fenced`. The caller has run a heavy fence since.
    void collect(const handler_node& node, std::uint64_t fenced) noexcept {
        if (node.home != nullptr) collect(node.home->retired(), fenced);
        if (router_.routes() == nullptr) return;
        for (const auto& each : channels_)
            if (each) collect(each->retired(), fenced);
        collect(router_.routes()->retired(), fenced);
    }

    /// Frees what can be freed; returns whether that was all.
    bool collect_all() noexcept {
        bool none_left = true;
        const auto collect_one = [&](retired_tables& tables) {
            collect_fenced(tables);
            none_left = none_left && tables.empty();
        };
        for (const auto& each : channels_)
            if (each) collect_one(each->retired());
        if (route_cache* const routes = router_.routes()) collect_one(routes->retired());
        return none_left;
    }

private:
    template <class Changed>
    void drop_routes(Changed changed) noexcept {
        if (route_cache* const routes = router_.routes()) routes->drop(retirements_, changed);
    }

    /// Each sixteenth time that a table was replaced.
    bool is_time_to_collect(std::uint64_t before) const noexcept {
        return retirements_ != before && retirements_ % 16 == 0;
    }

    void collect_fenced(retired_tables& tables) noexcept {
        if (tables.empty()) return;
        home_.heavy_fence(home_.find());
        collect(tables, retirements_);
    }

    void collect(retired_tables& tables, std::uint64_t fenced) noexcept { tables.collect(home_, fenced, release_); }

    base::domain& home_;
    const time_source* const times_;
    const release_function release_;

    base::growing_array<channel::place> places_;           // read by everyone
    base::growing_array<base::atomic<bool>> known_types_;  // the same
    std::vector<std::unique_ptr<channel>> channels_;       // by the event type's number
    topic_router router_;
    std::uint64_t subscribed_ = 0;
    std::uint64_t retirements_ = 0;  // tables that were replaced
};

}  // namespace tidings::detail
