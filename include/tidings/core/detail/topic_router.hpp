/// Handlers that subscribed to topics, and where events with a topic of their own go.
#pragma once

#include <tidings/base/asymmetric_fence.hpp>
#include <tidings/base/config.hpp>
#include <tidings/base/domain.hpp>
#include <tidings/base/event_registry.hpp>
#include <tidings/base/publisher.hpp>
#include <tidings/base/same_text.hpp>
#include <tidings/base/sync.hpp>
#include <tidings/core/detail/handler_node.hpp>
#include <tidings/core/detail/handler_table.hpp>
#include <tidings/core/detail/retired_tables.hpp>
#include <tidings/core/topic_pattern.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace tidings::detail {

/// Tables by event type and topic: what publishers have found before. It keeps the last few of each hash, so a stream
/// of topics that never come again takes no more memory. A table is as its handlers were when it was made: one that
/// changes goes.
class route_cache {
public:
    route_cache() = default;
    ~route_cache() {
        for (auto& place : places_)
            if (handler_table* const table = place.load(std::memory_order_relaxed)) handler_table::free(table);
    }
    route_cache(const route_cache&) = delete;
    route_cache& operator=(const route_cache&) = delete;

    /// The table that the slot found last, if it is that of the bus, the type and the topic, and still stands.
    TIDINGS_INLINE static handler_table* last(const base::slot& frame, const bus_state& bus, std::uint32_t type,
                                              std::string_view topic) noexcept {
        const base::table_base* const kept = frame.table.load(std::memory_order_relaxed);
        if (kept == nullptr || kept != frame.route) return nullptr;
        auto* const table = static_cast<handler_table*>(const_cast<base::table_base*>(kept));
        const handler_table::route_part& of = *table->route;
        const bool same = of.bus == &bus && of.type == type && base::same_text(of.topic, topic);
        return same && !of.retired.load(std::memory_order_acquire) ? table : nullptr;
    }

    /// For a publisher whose slot is open and runs nothing: the table, which the slot names then, or null.
    template <bool Asymmetric>
    handler_table* find(base::publisher& self, base::slot& frame, const base::event_entry& type,
                        std::string_view topic) const noexcept {
        const std::size_t first = first_of(type, topic);
        for (std::size_t n = first; n != first + ways; ++n) {
            handler_table* table = places_[n].load(base::load_order);
            while (table != nullptr) {
                if (frame.table.load(std::memory_order_relaxed) != table) {
                    frame.table.store(table, base::store_order);
                    frame.publishes = nullptr;
                    base::light_fence<Asymmetric>();  // pairs with the heavy fence before collect()
                    handler_table* const again = places_[n].load(base::load_order);
                    if (again != table) {
                        table = again;
                        continue;
                    }
                }
                if (table->type != &type || table->route->topic != topic) break;
                if (frame.publishes == nullptr) frame.publishes = table->own_publishes(self);
                frame.route = table;
                return table;
            }
        }
        return nullptr;
    }

    // --- For the writer

    /// `number` is the table's that goes for it, if one does.
    void put(handler_table& table, std::uint64_t& retirements) noexcept {
        const std::size_t first = first_of(*table.type, table.route->topic);
        std::size_t n = first;
        while (n != first + ways && places_[n].load(std::memory_order_relaxed) != nullptr) ++n;
        if (n == first + ways) {
            n = first + static_cast<std::size_t>(retirements % ways);
            retire(n, retirements);
        }
        places_[n].store(&table, base::store_order);
        ++size_;
    }

    /// Takes out the tables for which `changed(table)`, of whose handlers one may have been made inactive.
    template <class Changed>
    void drop(std::uint64_t& retirements, Changed changed) noexcept {
        retired_.disturb();
        for (std::size_t n = 0; size_ != 0 && n != places_.size(); ++n) {
            handler_table* const table = places_[n].load(std::memory_order_relaxed);
            if (table == nullptr || !changed(*table)) continue;
            table->disturb();
            retire(n, retirements);
        }
    }

    retired_tables& retired() noexcept { return retired_; }

    std::uint64_t calls() const noexcept {
        std::uint64_t sum = retired_.calls();
        for_each([&](const handler_table& table) { sum += retired_tables::calls_of(table); });
        return sum;
    }

    std::uint64_t passed(const handler_node& node) const noexcept {
        std::uint64_t sum = retired_.passed(node);
        for_each([&](const handler_table& table) { sum += table.passed(node); });
        return sum;
    }

private:
#if defined(TIDINGS_SIMULATION)
    static constexpr std::size_t sets = 1;
    static constexpr std::size_t ways = 2;
#else
    static constexpr std::size_t sets = 256;
    static constexpr std::size_t ways = 4;
#endif

    static std::size_t first_of(const base::event_entry& type, std::string_view topic) noexcept {
        return (std::hash<std::string_view>{}(topic) + type.index) % sets * ways;
    }

    void retire(std::size_t n, std::uint64_t& retirements) noexcept {
        handler_table* const table = places_[n].load(std::memory_order_relaxed);
        places_[n].store(nullptr, base::store_order);
        table->route->retired.store(true, std::memory_order_release);
        retired_.add(table, ++retirements);
        --size_;
    }

    template <class Visit>
    void for_each(Visit visit) const {
        for (const auto& place : places_)
            if (const handler_table* const table = place.load(std::memory_order_relaxed)) visit(*table);
    }

    std::array<base::atomic<handler_table*>, sets * ways> places_{};
    std::size_t size_ = 0;
    retired_tables retired_;
};

/// Guarded by the bus state's mutex, where it says nothing else.
class topic_router {
public:
    topic_router() = default;
    ~topic_router() { delete routes_.load(std::memory_order_relaxed); }
    topic_router(const topic_router&) = delete;
    topic_router& operator=(const topic_router&) = delete;

    /// Whether there are handlers with patterns. For everyone.
    bool in_use() const noexcept { return count_.load(std::memory_order_acquire) != 0; }

    /// For everyone; not null once in_use() was true.
    route_cache* routes() const noexcept { return routes_.load(std::memory_order_acquire); }

    /// Throws std::bad_alloc and changes nothing.
    void add(handler_node& node) {
        if (routes() == nullptr) routes_.store(new route_cache, std::memory_order_release);
        nodes_.reserve(nodes_.size() + 1);
        index_of(*node.routed).add(node.routed->text(), node);
        node.place = nodes_.size();
        nodes_.push_back(&node);
        count_.store(static_cast<std::uint32_t>(nodes_.size()), std::memory_order_release);
    }

    void remove(handler_node& node) noexcept {
        for (auto& each : indexes_)
            if (each.kind == node.routed->kind()) each.index->remove(node.routed->text(), node);
        nodes_[node.place] = nodes_.back();
        nodes_[node.place]->place = node.place;
        nodes_.pop_back();
        count_.store(static_cast<std::uint32_t>(nodes_.size()), std::memory_order_release);
    }

    /// The handlers with patterns that take an event of that type with that topic. Throws std::bad_alloc.
    std::vector<handler_node*> match(const base::event_entry& type, std::string_view topic) const {
        std::vector<handler_node*> found;
        for (const auto& each : indexes_) each.index->match(topic, found);
        std::erase_if(found, [&](const handler_node* node) { return node->only != nullptr && node->only != &type; });
        return found;
    }

    static bool takes(const handler_node& node, const base::event_entry& type, std::string_view topic) noexcept {
        return (node.only == nullptr || node.only == &type) && node.routed->matches(topic);
    }

    static bool takes(const handler_node& node, const handler_table& route) noexcept {
        return takes(node, *route.type, route.route->topic);
    }

    /// Whether an event may have that topic.
    bool is_name(std::string_view topic) const noexcept {
        for (const auto& each : indexes_)
            if (!each.index->is_name(topic)) return false;
        return true;
    }

    const std::vector<handler_node*>& nodes() const noexcept { return nodes_; }

    void forget_all() noexcept {
        indexes_.clear();
        nodes_.clear();
        count_.store(0, std::memory_order_release);
    }

private:
    struct kind_of_index {
        std::string_view kind;
        std::unique_ptr<pattern_index> index;
    };

    pattern_index& index_of(const pattern& p) {
        for (auto& each : indexes_)
            if (each.kind == p.kind()) return *each.index;
        return *indexes_.emplace_back(kind_of_index{p.kind(), p.make_index()}).index;
    }

    base::atomic<std::uint32_t> count_{0};
    base::atomic<route_cache*> routes_{nullptr};
    std::vector<kind_of_index> indexes_;
    std::vector<handler_node*> nodes_;
};

}  // namespace tidings::detail
