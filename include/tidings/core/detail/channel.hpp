/// One event type on one bus: its table of handlers, and what changes it.
#pragma once

#include <tidings/base/config.hpp>
#include <tidings/base/domain.hpp>
#include <tidings/base/event_registry.hpp>
#include <tidings/base/sync.hpp>
#include <tidings/core/detail/handler_node.hpp>
#include <tidings/core/detail/handler_table.hpp>
#include <tidings/core/detail/retired_tables.hpp>

#include <atomic>
#include <cstdint>
#include <vector>

namespace tidings::detail {

/// Publishers read the table; everything else is for the writer, who holds the bus state's mutex.
///
/// A handler is added in place if nobody has published with the table yet and there is room. Otherwise a new table
/// takes the old one's place. An ended handler stays in its table, which is marked as disturbed, until the table is
/// replaced: when more than half of it has ended, or a publisher asks. A replaced table is freed when no publisher
/// reads it, and a node when no table lists it.
class channel {
public:
    using place = base::atomic<handler_table*>;

    /// `current` is where publishers find the table; null while there is none. `retirements` counts, for all channels
    /// of a bus, how many tables were replaced so far.
    channel(const base::table_base& about, place& current, std::uint64_t& retirements) noexcept
        : about_{about}, current_{&current}, retirements_{retirements} {}
    ~channel() {
        if (handler_table* table = current_->load(std::memory_order_relaxed)) handler_table::free(table);
    }
    channel(const channel&) = delete;
    channel& operator=(const channel&) = delete;

    const base::event_entry& type() const noexcept { return *about_.type; }

    /// Lists a handler, which has its number, and sets it active. Throws std::bad_alloc and changes nothing.
    void add(handler_node& node) {
        handler_table* const table = writer_view();
        if (table != nullptr && table->has_room()) {
            activate(node);
            table->push(node);
        } else {
            handler_node* const added = &node;
            replace(&added, 1);
        }
        ++live_;
    }

    /// The same for several at once, which are active already.
    void add(const std::vector<handler_node*>& nodes) {
        if (nodes.empty()) return;
        replace(nodes.data(), static_cast<std::uint32_t>(nodes.size()));
        live_ += static_cast<std::uint32_t>(nodes.size());
    }

    /// Whether it lists the node; linear.
    bool lists(const handler_node& node) const noexcept {
        const handler_table* const table = writer_view();
        return table != nullptr && table->lists(node);
    }

    /// Notes that a listed handler was made inactive. Amortised constant, and linear in the tables that are still read.
    void remove() noexcept {
        --live_;
        retired_.disturb();
        writer_view()->disturb();
        const std::uint32_t ended = writer_view()->size() - live_;
        if (ended > live_ && ended >= minimum_capacity) drop_ended();
    }

    /// Replaces the table, if it is still current, by one without the handlers that have ended.
    void repair(const handler_table& table) noexcept {
        if (&table == writer_view() && live_ < table.size()) drop_ended();
    }

    /// Makes every handler inactive; ends the table. Calls `visit(node)` for each, and for those that were inactive
    /// already and may run still; maybe several times. Nothing is added afterwards.
    template <class Visit>
    void close(Visit visit) noexcept {
        if (handler_table* const table = writer_view()) {
            for (const handler_entry& entry : *table)
                if (is_active(*entry.target)) entry.target->active.store(false, base::store_order);
            current_->store(nullptr, base::store_order);
            live_ = 0;
            retired_.add(table, ++retirements_);
        }
        retired_.disturb();
        retired_.for_each_handler(visit);
    }

    /// Calls `visit(node)` for each active handler.
    template <class Visit>
    void for_each_active(Visit visit) const {
        if (const handler_table* const table = writer_view())
            for (const handler_entry& entry : *table)
                if (is_active(*entry.target)) visit(*entry.target);
    }

    retired_tables& retired() noexcept { return retired_; }

    /// How many calls of handlers without a queue there were.
    std::uint64_t calls() const noexcept {
        const handler_table* const table = writer_view();
        return retired_.calls() + (table != nullptr ? retired_tables::calls_of(*table) : 0);
    }

    /// How many publishes came to the node with tables that are not freed.
    std::uint64_t passed(const handler_node& node) const noexcept {
        const handler_table* const table = writer_view();
        return retired_.passed(node) + (table != nullptr ? table->passed(node) : 0);
    }

private:
    static constexpr std::uint32_t minimum_capacity = 8;

    handler_table* writer_view() const noexcept { return current_->load(std::memory_order_relaxed); }

    static bool is_active(const handler_node& node) noexcept { return node.active.load(std::memory_order_relaxed); }

    /// Before it is listed: a publisher that finds an inactive handler in its table may end it.
    static void activate(handler_node& node) noexcept {
        node.active.store(true, std::memory_order_relaxed);  // ordered by the store that lists it
    }

    void drop_ended() noexcept {
        TIDINGS_TRY { replace(nullptr, 0); }
        TIDINGS_CATCH_ALL {}  // no memory: they stay until there is some
    }

    /// Puts a table of the active handlers, and of `added` in their places among them, before the publishers.
    void replace(handler_node* const* added, std::uint32_t count) {
        handler_table* const old = writer_view();
        const std::uint32_t wanted = live_ + count;
        handler_table* table = nullptr;  // rather than an empty one
        if (wanted != 0) {
            table = handler_table::make(about_, wanted < minimum_capacity ? minimum_capacity : wanted + wanted / 2);
            table->owner = this;
            for (std::uint32_t n = 0; n != count; ++n) activate(*added[n]);
            if (old != nullptr)
                for (const handler_entry& entry : *old)
                    if (is_active(*entry.target)) table->push(*entry.target);
            for (std::uint32_t n = 0; n != count; ++n) table->push(*added[n]);
        }
        current_->store(table, base::store_order);  // pairs with the publisher's second look
        if (old != nullptr) retired_.add(old, ++retirements_);
    }

    const base::table_base about_;
    place* const current_;
    std::uint64_t& retirements_;
    std::uint32_t live_ = 0;
    retired_tables retired_;
};

}  // namespace tidings::detail
