/// Tables of handlers that were replaced and may still be read.
#pragma once

#include <tidings/base/domain.hpp>
#include <tidings/core/detail/handler_node.hpp>
#include <tidings/core/detail/handler_table.hpp>

#include <cstdint>
#include <utility>

namespace tidings::detail {

/// They keep their numbers, which grow, and what was counted with them. Guarded by the bus state's mutex.
class retired_tables {
public:
    bool empty() const noexcept { return first_ == nullptr; }

    /// `number` is larger than that of every table before it.
    void add(handler_table* table, std::uint64_t number) noexcept {
        table->next_retired = std::exchange(first_, table);
        table->retired_as = number;
    }

    /// After a handler in one of them was made inactive.
    void disturb() noexcept {
        for (handler_table* table = first_; table != nullptr; table = table->next_retired) table->disturb();
    }

    template <class Visit>
    void for_each_handler(Visit visit) noexcept {
        for (handler_table* table = first_; table != nullptr; table = table->next_retired)
            for (const handler_entry& entry : *table) visit(*entry.target);
    }

    /// Frees the tables that no publisher reads of those with numbers up to `fenced`; `release(node)` is called for
    /// each node that is in no table any more. The caller has run a heavy fence since they were replaced.
    template <class Release>
    void collect(const base::domain& home, std::uint64_t fenced, Release release) noexcept {
        for (handler_table** link = &first_; *link != nullptr;) {
            handler_table* const table = *link;
            if (table->retired_as > fenced || home.reads(table)) {
                link = &table->next_retired;
                continue;
            }
            *link = table->next_retired;
            const std::uint64_t published = table->published();
            freed_calls_ += calls_of(*table, published);
            for (const handler_entry& entry : *table) {
                entry.target->passed += published;
                if (--entry.target->listings == 0) release(*entry.target);
            }
            handler_table::free(table);
        }
    }

    /// How many calls of handlers without a queue there were with them, those included that are freed.
    std::uint64_t calls() const noexcept {
        std::uint64_t sum = freed_calls_;
        for (const handler_table* table = first_; table != nullptr; table = table->next_retired)
            sum += calls_of(*table);
        return sum;
    }
    static std::uint64_t calls_of(const handler_table& table) noexcept { return calls_of(table, table.published()); }

    /// How many publishes came to the node with those that are not freed.
    std::uint64_t passed(const handler_node& node) const noexcept {
        std::uint64_t sum = 0;
        for (const handler_table* table = first_; table != nullptr; table = table->next_retired)
            sum += table->passed(node);
        return sum;
    }

private:
    static std::uint64_t calls_of(const handler_table& table, std::uint64_t published) noexcept {
        return published * (table.size() - table.queues());
    }

    handler_table* first_ = nullptr;  // youngest first
    std::uint64_t freed_calls_ = 0;
};

}  // namespace tidings::detail
