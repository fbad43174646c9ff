/// One event type on one bus: its table of handlers, and what changes it.
#pragma once

#include <tidings/base/config.hpp>
#include <tidings/base/domain.hpp>
#include <tidings/base/event_registry.hpp>
#include <tidings/base/sync.hpp>
#include <tidings/core/detail/handler_node.hpp>
#include <tidings/core/detail/handler_table.hpp>

#include <atomic>
#include <cstdint>
#include <utility>

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

    /// `current` is where publishers find the table; null while there is none.
    channel(const base::table_base& about, place& current) noexcept : about_{about}, current_{&current} {}
    ~channel() {
        if (handler_table* table = current_->load(std::memory_order_relaxed)) handler_table::free(table);
    }
    channel(const channel&) = delete;
    channel& operator=(const channel&) = delete;

    const base::event_entry& type() const noexcept { return *about_.type; }

    /// Lists a handler and sets it active. Throws std::bad_alloc and changes nothing.
    void add(handler_node& node) {
        handler_table* const table = writer_view();
        node.number = ++subscribed_;
        if (table != nullptr && table->has_room()) {
            activate(node);
            list(*table, node);
        } else {
            replace(&node);
        }
        ++live_;
    }

    /// Notes that a listed handler was made inactive. Amortised constant, and linear in the tables that are still read.
    void remove() noexcept {
        --live_;
        for (handler_table* table = retired_; table != nullptr; table = table->next_retired) disturb(*table);
        disturb(*writer_view());
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
            retire(table);
        }
        for (handler_table* each = retired_; each != nullptr; each = each->next_retired) {
            disturb(*each);
            for (const handler_entry& entry : *each) visit(*entry.target);
        }
    }

    bool has_retired() const noexcept { return retired_ != nullptr; }

    /// How many tables were replaced so far. A fence that follows lets collect() go that far.
    std::uint64_t retirements() const noexcept { return retirements_; }

    /// How many calls of handlers without a queue there were with the tables that are freed, and with those that are
    /// not.
    std::uint64_t calls() const noexcept {
        std::uint64_t sum = freed_calls_;
        const auto add = [&](const handler_table& t) { sum += t.published() * (t.size() - t.queues()); };
        for (const handler_table* table = retired_; table != nullptr; table = table->next_retired) add(*table);
        if (const handler_table* table = writer_view()) add(*table);
        return sum;
    }

    /// Frees the tables that no publisher reads of the first `fenced` that were replaced; `release(node)` is called for
    /// each node that is in no table any more. The caller has run a heavy fence since they were replaced.
    template <class Release>
    void collect(const base::domain& home, std::uint64_t fenced, Release release) noexcept {
        for (handler_table** link = &retired_; *link != nullptr;) {
            handler_table* const table = *link;
            if (table->retired_as > fenced || home.reads(table)) {
                link = &table->next_retired;
                continue;
            }
            *link = table->next_retired;
            const std::uint64_t published = table->published();
            freed_calls_ += published * (table->size() - table->queues());
            for (const handler_entry& entry : *table) {
                entry.target->passed += published;
                if (--entry.target->listings == 0) release(*entry.target);
            }
            handler_table::free(table);
        }
    }

    /// How many publishes came to the node: to every table that lists it.
    std::uint64_t passed(const handler_node& node) const noexcept {
        std::uint64_t sum = node.passed;
        const auto add_from = [&](const handler_table& table) {
            for (const handler_entry& entry : table)
                if (entry.target == &node) sum += table.published();
        };
        for (const handler_table* table = retired_; table != nullptr; table = table->next_retired) add_from(*table);
        if (const handler_table* table = writer_view()) add_from(*table);
        return sum;
    }

private:
    static constexpr std::uint32_t minimum_capacity = 8;

    handler_table* writer_view() const noexcept { return current_->load(std::memory_order_relaxed); }

    static bool is_active(const handler_node& node) noexcept { return node.active.load(std::memory_order_relaxed); }

    /// Before it is listed: a publisher that finds an inactive handler in its table may end it.
    static void activate(handler_node& node) noexcept {
        node.active.store(true, std::memory_order_relaxed);  // ordered by the store that lists it
    }

    /// After the handler was made inactive: a publisher that finds the mark looks at the handler.
    static void disturb(handler_table& table) noexcept { table.disturbed.store(true, base::store_order); }

    void drop_ended() noexcept {
        TIDINGS_TRY { replace(nullptr); }
        TIDINGS_CATCH_ALL {}  // no memory: they stay until there is some
    }

    /// Puts a table of the active handlers, and of `added` in its place among them, before the publishers.
    void replace(handler_node* added) {
        handler_table* const old = writer_view();
        const std::uint32_t wanted = live_ + (added != nullptr ? 1 : 0);
        handler_table* table = nullptr;  // rather than an empty one
        if (wanted != 0) {
            table = handler_table::make(about_, wanted < minimum_capacity ? minimum_capacity : wanted + wanted / 2);
            if (added != nullptr) activate(*added);
            for (const handler_entry* entry = begin_of(old); entry != end_of(old); ++entry)
                if (is_active(*entry->target)) list(*table, *entry->target);
            if (added != nullptr) list(*table, *added);
        }
        current_->store(table, base::store_order);  // pairs with the publisher's second look
        if (old != nullptr) retire(old);
    }

    static const handler_entry* begin_of(const handler_table* t) noexcept {
        return t != nullptr ? t->begin() : nullptr;
    }
    static const handler_entry* end_of(const handler_table* t) noexcept { return t != nullptr ? t->end() : nullptr; }

    static void list(handler_table& table, handler_node& node) noexcept {
        table.push(node);
        ++node.listings;
    }

    void retire(handler_table* table) noexcept {
        table->next_retired = std::exchange(retired_, table);
        table->retired_as = ++retirements_;
    }

    const base::table_base about_;
    place* const current_;
    std::uint32_t live_ = 0;
    std::uint64_t subscribed_ = 0;
    handler_table* retired_ = nullptr;
    std::uint64_t retirements_ = 0;
    std::uint64_t freed_calls_ = 0;
};

}  // namespace tidings::detail
