/// Where each thread says what it is reading and running, so that others can wait for it without a lock.
///
/// A thread that publishes owns a list of slots, one for each publish under way on its stack. It writes them with
/// plain stores; who unsubscribes a handler or frees a table reads them after a heavy fence (a hazard pointer whose
/// fence is paid by the rare side).
///
/// Source: M. Michael, "Hazard Pointers: Safe Memory Reclamation for Lock-Free Objects" (2004).
#pragma once

#include <tidings/base/asymmetric_fence.hpp>
#include <tidings/base/config.hpp>
#include <tidings/base/event_registry.hpp>
#include <tidings/base/runnable.hpp>
#include <tidings/base/sync.hpp>

#include <atomic>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace tidings::base {

class domain;
struct thread_wait;

}  // namespace tidings::base

namespace tidings::detail {
class envelope;
class time_source;
struct attempt;
}  // namespace tidings::detail

namespace tidings::base {

inline constexpr std::size_t cache_line = 64;

/// What happened in a publish that does not happen in most: one word, so that one look tells that nothing did.
struct publish_tally {
    std::uint64_t failed : 28;
    std::uint64_t missed : 28;  ///< handlers that were inactive or declined, and queues
    std::uint64_t has_id : 1;   ///< slot::id_high and id_low were made
    std::uint64_t has_time : 1;
    std::uint64_t detached : 1;  ///< what is around the slot did not cause it: it came out of a queue, or was due

    bool empty() const noexcept { return std::bit_cast<std::uint64_t>(*this) == 0; }
};

/// What a slot protects: a table of handlers, as far as this layer knows it.
struct table_base {
    const event_entry* type = nullptr;           ///< null: no table; captures are being destroyed
    const detail::time_source* times = nullptr;  ///< null: the system's
};

/// One publish under way, or one destruction of captures. A publish pays for each store: what most of them do not need
/// is left as it is, and whoever changed it sets it back before the slot is closed.
struct slot {
    // Read by other threads.
    atomic<const table_base*> table{nullptr};  ///< not freed while it stands here; kept when closed, for the next time
    atomic<const runnable*> running{nullptr};  ///< not ended while it stands here; null: the slot is closed

    // The owner's own: the publish under way.
    atomic<std::uint64_t>* publishes = nullptr;  ///< of `table`, if it is one of handlers: how often this thread did
    const table_base* route = nullptr;           ///< the last table that was found by a topic
    const void* options = nullptr;               ///< null: the publisher said nothing; null when closed
    publish_tally tally{};                       ///< empty when closed
    detail::envelope* event = nullptr;           ///< what queues were given, or gave; null when closed
    detail::attempt* attempt = nullptr;          ///< of an event that may come again; null when closed
    std::uint32_t shares = 0;                    ///< of `event`, not given away yet
    std::uint32_t queued = 0;                    ///< queues that took it; 0 when closed
    std::uint32_t rejected = 0;                  ///< queues that did not
    std::uint64_t id_high = 0;
    std::uint64_t id_low = 0;
    std::chrono::system_clock::rep time = 0;

    slot* outer = nullptr;
    atomic<slot*> inner{nullptr};  ///< kept when closed
};

/// What a thread may wait for: that every slot that names `run` has been left; with `in`, that those go on which name
/// it in that table.
struct awaited {
    const runnable* run = nullptr;
    const table_base* in = nullptr;
};

/// The slots of one thread. Records are never freed: an ended thread's is handed to a new one.
class alignas(2 * cache_line) publisher {
public:
    publisher(domain& home, bool asymmetric, std::uint32_t number) noexcept
        : home_{&home},
          fast_home_{asymmetric ? &home : nullptr},
          number_{number},
          place_{number < shared_place ? number : shared_place} {}
    ~publisher() {
        for (slot* s = outermost_.inner.load(std::memory_order_relaxed); s != nullptr;)
            delete std::exchange(s, s->inner.load(std::memory_order_relaxed));
    }
    publisher(const publisher&) = delete;
    publisher& operator=(const publisher&) = delete;

    domain& home() const noexcept { return *home_; }

    /// The domain, if light fences suffice in it; else null. See asymmetric_fence.hpp.
    const domain* fast_home() const noexcept { return fast_home_; }

    std::uint32_t number() const noexcept { return number_; }  ///< small, unique in its domain

    /// Where tables keep what is this thread's alone: the number, or shared_place for all whose number is larger.
    std::size_t place() const noexcept { return place_; }
    static constexpr std::uint32_t shared_place = 16;

    /// The slot of a publish that is not inside another. Its address depends on nothing that was just stored, so
    /// publishes in a row overlap in the processor.
    slot& outermost() noexcept { return outermost_; }

    /// Whether a slot is open. For the owner.
    TIDINGS_INLINE bool publishing() const noexcept { return is_open(outermost_); }

    TIDINGS_INLINE static bool is_open(const slot& s) noexcept {
        return s.running.load(std::memory_order_relaxed) != nullptr;
    }

    /// Stands in an open slot that runs nothing at the moment. Never looked into.
    static const runnable* between() noexcept {
        alignas(runnable) static constexpr char mark = 0;
        return reinterpret_cast<const runnable*>(&mark);
    }

    /// Stands in an open slot for as long as a program says what caused what it does: nothing of a bus is under way in
    /// it. Never looked into.
    static const runnable* outside() noexcept {
        alignas(runnable) static constexpr char mark = 0;
        return reinterpret_cast<const runnable*>(&mark);
    }

    /// Whether a slot is open that is not outside(). For the owner.
    bool handling() const noexcept {
        for (const slot* s = &outermost_; s != nullptr && is_open(*s); s = s->inner.load(std::memory_order_relaxed))
            if (s->running.load(std::memory_order_relaxed) != outside()) return true;
        return false;
    }

    /// The slot to open next. Allocates when this thread nests deeper than ever before, and may throw std::bad_alloc
    /// then.
    slot& next_slot() {
        if (!is_open(outermost_)) return outermost_;
        slot& around = innermost_ != nullptr ? *innermost_ : outermost_;
        slot* const inner = around.inner.load(std::memory_order_relaxed);  // written by this thread only
        return inner != nullptr ? *inner : deepen(around);
    }

    /// Opens `s`, which is next_slot(), with `first` in it.
    TIDINGS_INLINE void open(slot& s, const runnable* first) noexcept {
        s.running.store(first, store_order);
        if (&s != &outermost_) innermost_ = &s;
    }

    /// Closes the slot that was opened last, and is `s`.
    TIDINGS_INLINE void close(slot& s) noexcept {
        s.running.store(nullptr, store_order);
        if (&s != &outermost_) innermost_ = s.outer != &outermost_ ? s.outer : nullptr;
    }

    /// Lets go of the tables that closed slots have kept. For the owner.
    void forget_tables() noexcept {
        for (slot* s = &outermost_; s != nullptr; s = s->inner.load(std::memory_order_relaxed))
            if (!is_open(*s)) s->table.store(nullptr, store_order);
    }

    /// The innermost open slot of a publish, or null: what causes what the thread does now. For the owner.
    slot* innermost_publish() noexcept {
        if (!publishing()) return nullptr;
        slot* s = innermost_ != nullptr ? innermost_ : &outermost_;
        return publish_at_or_around(s);
    }

    /// The same, from `s` outwards; nothing, where something in between came about by itself.
    static slot* publish_at_or_around(slot* s) noexcept {
        while (s != nullptr && s->table.load(std::memory_order_relaxed)->type == nullptr) {
            if (s->tally.detached) return nullptr;
            s = s->outer;
        }
        return s;
    }

    bool runs(const runnable& r) const noexcept {
        return any_slot([&](const slot& s) { return s.running.load(load_order) == &r; });
    }

    bool reads(const table_base* table) const noexcept {
        return any_slot([&](const slot& s) { return s.table.load(load_order) == table; });
    }

    /// Whether a wait of this kind is, for one, for this thread.
    bool is_awaited(const awaited& what) const noexcept {
        return any_slot([&](const slot& s) {
            return s.running.load(load_order) == what.run &&
                   (what.in == nullptr || s.table.load(load_order) == what.in);
        });
    }

    const thread_wait* waits = nullptr;  ///< while the thread waits for others; guarded by wait_room::mutex

private:
    friend class domain;

    template <class Predicate>
    bool any_slot(Predicate predicate) const noexcept {
        // Acquire pairs with deepen().
        for (const slot* s = &outermost_; s != nullptr; s = s->inner.load(std::memory_order_acquire))
            if (predicate(*s)) return true;
        return false;
    }

    TIDINGS_COLD slot& deepen(slot& around) {
        auto* const added = new slot;  // kept for as long as the record
        added->outer = &around;
        around.inner.store(added, std::memory_order_release);
        return *added;
    }

    slot outermost_;
    domain* const home_;
    const domain* const fast_home_;
    const std::uint32_t number_;
    const std::size_t place_;
    slot* innermost_ = nullptr;  // the innermost open one, unless that is outermost_

    // Of the domain's list.
    publisher* next_ = nullptr;
    atomic<bool> taken_{true};
    atomic<thread_id> owner_{};
    std::uint64_t forks_ = 0;  // of the owner's process; for the owner
};

}  // namespace tidings::base
