/// The handlers of one event type, in the order in which publish calls them.
#pragma once

#include <tidings/base/config.hpp>
#include <tidings/base/publisher.hpp>
#include <tidings/base/sync.hpp>
#include <tidings/core/detail/handler_node.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>

namespace tidings::detail {

struct handler_entry {
    call_function call;
    handler_node* target;
};

/// Publishers hold it by a slot. It does not change once somebody has published with it; until then handlers are
/// added in place, and stand in any order.
class handler_table : public base::table_base {
public:
    /// Throws std::bad_alloc.
    static handler_table* make(const base::table_base& about, std::uint32_t capacity, std::string_view topic = {}) {
        auto kept = topic.empty() ? nullptr : std::make_unique<route_part>(topic, about.type->index);
        void* memory = ::operator new(sizeof(handler_table) + (capacity + 1) * sizeof(handler_entry), alignment);
        return ::new (memory) handler_table(about, capacity, std::move(kept));
    }

    static void free(handler_table* table) noexcept {
        for (auto& place : table->counters_) {
            for (counter* each = place.load(std::memory_order_relaxed); each != nullptr;) {
                counter* const next = each->next;
                delete each;
                each = next;
            }
        }
        table->~handler_table();
        ::operator delete(table, alignment);
    }

    /// An entry without a target follows the last one.
    const handler_entry* begin() const noexcept { return reinterpret_cast<const handler_entry*>(this + 1); }
    const handler_entry* end() const noexcept { return begin() + size_; }
    std::uint32_t size() const noexcept { return size_; }

    /// How many of the handlers get their events through a queue. They come first.
    std::uint32_t queues() const noexcept { return queues_; }

    /// Whether one of them does not know the event's type. Such a table is disturbed from the beginning.
    bool any_queues() const noexcept { return any_queues_; }

    /// How often one thread published with the table. Written by that thread alone, with plain stores, so that
    /// publishers do not slow each other.
    struct alignas(base::cache_line) counter {
        counter(std::uint32_t owner, counter* following) noexcept : publisher{owner}, next{following} {}

        base::atomic<std::uint64_t> value{0};
        const std::uint32_t publisher;
        counter* const next;
    };

    /// The publisher's count if it has a place of its own here; null says to ask find_counter().
    TIDINGS_INLINE base::atomic<std::uint64_t>* own_publishes(const base::publisher& self) const noexcept {
        // Acquire pairs with add_counter(): what stood in the table then is whole, and stays.
        counter* const mine = counters_[self.place()].load(std::memory_order_acquire);
        return mine != nullptr ? &mine->value : nullptr;
    }

    /// The publisher's counter, or null if it never published with this table.
    counter* find_counter(const base::publisher& self) const noexcept {
        counter* each = list_of(self).load(std::memory_order_acquire);
        while (each != nullptr && each->publisher != self.number()) each = each->next;
        return each;
    }

    /// For the writer: puts the handlers in order; the table does not change afterwards. Throws std::bad_alloc.
    counter& add_counter(const base::publisher& self) {
        auto& list = list_of(self);
        auto* const added = new counter{self.number(), list.load(std::memory_order_relaxed)};
        if (!published_) {
            published_ = true;
            sort();
            find_runs();
        }
        list.store(added, std::memory_order_release);
        return *added;
    }

    /// For the writer: how many publishes there were with the table. Exact while none is under way.
    std::uint64_t published() const noexcept {
        std::uint64_t sum = 0;
        for (const auto& place : counters_)
            for (counter* each = place.load(std::memory_order_relaxed); each != nullptr; each = each->next)
                sum += each->value.load(std::memory_order_relaxed);
        return sum;
    }

    /// For the writer: whether one more fits in place.
    bool has_room() const noexcept { return !published_ && size() < capacity_; }

    bool lists(const handler_node& node) const noexcept {
        for (const handler_entry& entry : *this)
            if (entry.target == &node) return true;
        return false;
    }

    /// For the writer: how many publishes with the table came to the node.
    std::uint64_t passed(const handler_node& node) const noexcept { return lists(node) ? published() : 0; }

    /// For the writer, after a handler was made inactive: a publisher that finds the mark looks at the handler.
    void disturb() noexcept { disturbed.store(1, base::store_order); }

    /// For the writer: adds a handler, which the first of its tables takes a reference to. The table has room.
    void push(handler_node& node) noexcept {
        const handler_entry entry{node.call, &node};
        handler_entry* const last = entries() + size_;
        if (size_ != 0 && runs_before(entry, last[-1])) sorted_ = false;
        *last = entry;
        if (node.queued != nullptr) ++queues_;
        if (node.queued != nullptr && node.routed != nullptr && node.only == nullptr) {
            any_queues_ = true;
            disturb();
        }
        if (node.listings++ == 0) node.references.fetch_add(1, std::memory_order_relaxed);
        ++size_;
        ::new (static_cast<void*>(last + 1)) handler_entry{nullptr, nullptr};
    }

    /// A handler in it was ended, and publishers look at each before and after calling it. One that has named a handler
    /// in its slot looks here first. Stays. Pairs with slot::running.
    base::atomic<std::uint8_t> disturbed{0};  // unlike bool's, its load() is always in place

    /// How many publishes met the disturbance.
    base::atomic<std::uint32_t> disturbed_publishes{0};

    channel* owner = nullptr;  ///< null: it is of a route

    /// What a table by topic has beside. Apart, for the others are many, and what a publisher reads of one after the
    /// other has to fit into the nearest cache.
    struct route_part {
        route_part(std::string_view name, std::uint32_t number) : topic{name}, type{number} {}
        const std::string topic;
        const std::uint32_t type;           ///< its number
        const bus_state* bus = nullptr;     ///< null if nobody listens
        base::atomic<bool> retired{false};  ///< it does not stand any more
    };
    const std::unique_ptr<route_part> route;

    /// See retired_tables.
    handler_table* next_retired = nullptr;
    std::uint64_t retired_as = 0;

private:
    handler_table(const base::table_base& about, std::uint32_t capacity, std::unique_ptr<route_part> kept) noexcept
        : table_base{about}, route{std::move(kept)}, capacity_{capacity} {
        ::new (static_cast<void*>(entries())) handler_entry{nullptr, nullptr};
    }
    ~handler_table() = default;

    static constexpr std::align_val_t alignment{base::cache_line};

    handler_entry* entries() noexcept { return reinterpret_cast<handler_entry*>(this + 1); }

    static bool runs_before(const handler_entry& a, const handler_entry& b) noexcept {
        const bool a_is_queued = a.target->queued != nullptr;
        if (a_is_queued != (b.target->queued != nullptr)) return a_is_queued;
        if (a.target->priority != b.target->priority) return a.target->priority > b.target->priority;
        return a.target->number < b.target->number;
    }

    /// Heapsort, in place (Williams, "Algorithm 232", 1964): std::sort is in a header of four thousand lines.
    void sort() noexcept {
        if (sorted_) return;
        sorted_ = true;
        handler_entry* const first = entries();
        const auto sink = [first](std::uint32_t at, std::uint32_t count) {
            const handler_entry sinking = first[at];
            for (std::uint32_t child = 2 * at + 1; child < count; child = 2 * at + 1) {
                if (child + 1 < count && runs_before(first[child], first[child + 1])) ++child;
                if (!runs_before(sinking, first[child])) break;
                first[at] = first[child];
                at = child;
            }
            first[at] = sinking;
        };
        for (std::uint32_t n = size() / 2; n-- > 0;) sink(n, size());
        for (std::uint32_t count = size(); count-- > 1;) {
            std::swap(first[0], first[count]);
            sink(0, count);
        }
    }

    void find_runs() noexcept {
        for (handler_entry* entry = entries(); entry + 1 < end(); ++entry) {
            if (entry[0].target->call_run != entry[1].target->call_run) continue;
            for (handler_entry* each = entry; each < entry + 2; ++each) each->call = each->target->call_run;
        }
    }

    /// The shared place itself stays empty; those who share it stand in a list behind it.
    static std::size_t list_index(const base::publisher& p) noexcept {
        return p.place() == base::publisher::shared_place ? p.place() + 1 : p.place();
    }
    base::atomic<counter*>& list_of(const base::publisher& p) noexcept { return counters_[list_index(p)]; }
    const base::atomic<counter*>& list_of(const base::publisher& p) const noexcept { return counters_[list_index(p)]; }

    std::uint32_t size_ = 0;
    const std::uint32_t capacity_;
    std::uint32_t queues_ = 0;
    bool any_queues_ = false;
    bool published_ = false;
    bool sorted_ = true;
    base::atomic<counter*> counters_[base::publisher::shared_place + 2] = {};
};

static_assert(sizeof(handler_table) % alignof(handler_entry) == 0);

}  // namespace tidings::detail
