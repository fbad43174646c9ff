/// What the threads of a process share about publishing: their records, the event types, and a place to wait.
#pragma once

#include <tidings/base/asymmetric_fence.hpp>
#include <tidings/base/event_registry.hpp>
#include <tidings/base/fork.hpp>
#include <tidings/base/publisher.hpp>
#include <tidings/base/runnable.hpp>
#include <tidings/base/sync.hpp>
#include <tidings/base/wait_room.hpp>

#include <atomic>
#include <cstdint>
#include <utility>

namespace tidings::base {

/// Everything that threads share about publishing. There is one for each copy of this function in the process: one
/// in all, unless shared libraries hide their symbols. A bus keeps to the domain it was made in, whoever uses it.
class domain {
public:
    domain() noexcept : asymmetric_{enable_asymmetric_fences()} {}
    /// Only where each run of a simulation has a domain of its own.
    ~domain() {
        for (publisher* p = publishers_.load(std::memory_order_relaxed); p != nullptr;)
            delete std::exchange(p, p->next_);
    }
    domain(const domain&) = delete;
    domain& operator=(const domain&) = delete;

    /// The domain of the code that calls.
    static domain& here() { return process_wide<domain>(); }

    bool asymmetric() const noexcept { return asymmetric_; }
    event_registry& events() noexcept { return events_; }
    wait_room& waits() noexcept { return waits_; }

    /// Orders a store before the loads of slots that follow, against every publisher. Nothing to order while no
    /// thread but the calling one has a record.
    void heavy_fence(const publisher* self) const noexcept {
        full_fence();
        if (taken_.load(load_order) > (self != nullptr ? 1U : 0U)) base::heavy_fence(asymmetric_);
    }

    template <class Predicate>
    bool any_publisher(Predicate predicate) const noexcept {
        for (publisher* p = publishers_.load(std::memory_order_acquire); p != nullptr; p = p->next_)
            if (predicate(*p)) return true;
        return false;
    }

    bool runs(const runnable& r) const noexcept {
        return any_publisher([&](const publisher& p) { return p.runs(r); });
    }

    bool reads(const table_base* table) const noexcept {
        return any_publisher([&](const publisher& p) { return p.reads(table); });
    }

    /// One more than the largest number() so far.
    std::uint32_t publishers() const noexcept { return made_.load(std::memory_order_relaxed); }

    /// The calling thread's record, or null if it has none.
    publisher* find() noexcept {
        publisher* const mine = thread_pointer<publisher>::get();
        if (mine != nullptr && mine->home_ == this) [[likely]]
            return mine;
        publisher* found = nullptr;
        const thread_id self = this_thread_id();
        const std::uint64_t forks = fork_count();
        any_publisher([&](publisher& p) {
            // A thread's own id is in no record but its own, so a relaxed load cannot mistake another's for it.
            if (p.owner_.load(std::memory_order_relaxed) != self) return false;
            // A thread of a child may get the number of one that only the parent has.
            if (p.forks_ != forks) return false;
            found = &p;
            return true;
        });
        return found;
    }

    /// Gives the calling thread a record, or takes one that nobody uses. Throws std::bad_alloc.
    publisher& take() {
        publisher* taken = nullptr;
        any_publisher([&](publisher& p) {
            bool expected = false;
            // Acquire pairs with give_back(): the last owner's slots are closed.
            if (!p.taken_.compare_exchange_strong(expected, true, std::memory_order_acq_rel)) return false;
            taken = &p;
            return true;
        });
        if (taken == nullptr) {
            taken = new publisher{*this, asymmetric_, made_.fetch_add(1, std::memory_order_relaxed)};
            publisher* head = publishers_.load(std::memory_order_relaxed);
            do {
                taken->next_ = head;
            } while (!publishers_.compare_exchange_weak(head, taken, std::memory_order_release));
        }
        taken->forks_ = fork_count();
        taken->owner_.store(this_thread_id(), std::memory_order_relaxed);
        // Against heavy_fence(): either it counts this record, or this thread sees what was stored before it.
        taken_.fetch_add(1, std::memory_order_seq_cst);
        full_fence();
        return *taken;
    }

    /// The record's slots are closed.
    void give_back(publisher& p) noexcept {
        p.forget_tables();
        p.owner_.store(thread_id{}, std::memory_order_relaxed);
        taken_.fetch_sub(1, std::memory_order_seq_cst);
        p.taken_.store(false, std::memory_order_release);  // pairs with take()
    }

private:
    const bool asymmetric_;
    atomic<std::uint32_t> taken_{0};
    atomic<std::uint32_t> made_{0};
    atomic<publisher*> publishers_{nullptr};
    event_registry events_;
    wait_room waits_;
};

}  // namespace tidings::base
