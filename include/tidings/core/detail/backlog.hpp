/// The events that wait in a queue: in one line, or in one for each key.
#pragma once

#include <tidings/base/block_cache.hpp>
#include <tidings/base/config.hpp>
#include <tidings/base/prefetch.hpp>
#include <tidings/core/detail/envelope.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>

namespace tidings::detail {

struct queued_node;
struct lane;

/// An event that waits, and for whom.
struct waiting_event {
    envelope* event = nullptr;
    queued_node* target = nullptr;
    std::uint64_t key = 0;  ///< a hash
    lane* from = nullptr;   ///< set when it was taken out of a lane, which is busy until told otherwise
};

/// A ring that grows. Not thread-safe, like all here.
class event_ring {
public:
    std::size_t size() const noexcept { return size_; }

    /// Throws std::bad_alloc and changes nothing then.
    void push(const waiting_event& added) {
        if (size_ == capacity_) grow();
        base::prefetch_to_write(&at(size_ + ahead));  // who emptied it last has it
        at(size_++) = added;
    }

    /// Of a ring that is not empty.
    waiting_event pop() noexcept {
        const waiting_event oldest = at(0);
        first_ = (first_ + 1) & (capacity_ - 1);
        --size_;
        return oldest;
    }

    /// Calls `take(event)` for what `chosen(event)` and takes it out.
    template <class Chosen, class Take>
    void take_if(Chosen chosen, Take take) noexcept {
        std::size_t kept = 0;
        for (std::size_t n = 0; n != size_; ++n) {
            const waiting_event each = at(n);
            if (chosen(each)) take(each);
            else at(kept++) = each;
        }
        size_ = kept;
    }

private:
    static constexpr std::size_t ahead = 8;

    waiting_event& at(std::size_t n) noexcept { return events_[(first_ + n) & (capacity_ - 1)]; }

    void grow() {
        const std::size_t larger = capacity_ == 0 ? 16 : 2 * capacity_;
        auto moved = std::make_unique<waiting_event[]>(larger);
        for (std::size_t n = 0; n != size_; ++n) moved[n] = at(n);
        events_ = std::move(moved);
        capacity_ = larger;
        first_ = 0;
    }

    std::unique_ptr<waiting_event[]> events_;
    std::size_t capacity_ = 0;  // a power of two
    std::size_t first_ = 0;
    std::size_t size_ = 0;
};

/// The events of one key. It stands in its bucket as long as it has events or one of its is being handled.
struct lane {
    struct entry {
        waiting_event waits;
        entry* next = nullptr;  ///< of this lane
        entry* older = nullptr;
        entry* newer = nullptr;
        lane* home = nullptr;
    };

    std::uint64_t key;
    entry* first = nullptr;
    entry* last = nullptr;
    bool busy = false;    ///< one of its events was popped, and has not been finished
    bool listed = false;  ///< stands in the list of those that an event can be popped from
    lane* next_ready = nullptr;
    lane* next_in_bucket = nullptr;
};

/// A line for each key; the lanes take turns.
class event_lanes {
public:
    event_lanes() = default;
    event_lanes(const event_lanes&) = delete;
    event_lanes& operator=(const event_lanes&) = delete;
    ~event_lanes() { forget_empty(); }  // no events by then, but lanes that they have left

    std::size_t size() const noexcept { return size_; }

    /// How many keys there are with events.
    std::size_t lanes() const noexcept { return lanes_; }

    /// Throws std::bad_alloc and changes nothing then. Returns whether there is one more event that can be popped.
    bool push(const waiting_event& added) {
        lane& home = find_or_add(added.key);
        lane::entry* fresh = nullptr;
        TIDINGS_TRY { fresh = make<lane::entry>(); }
        TIDINGS_CATCH_ALL {
            if (home.first == nullptr && !home.busy && !home.listed) erase(home);
            TIDINGS_RETHROW;
        }
        fresh->waits = added;
        fresh->home = &home;
        fresh->older = newest_;
        *(newest_ != nullptr ? &newest_->newer : &oldest_) = fresh;
        newest_ = fresh;
        *(home.first != nullptr ? &home.last->next : &home.first) = fresh;
        home.last = fresh;
        ++size_;
        if (home.busy || home.listed) return false;
        list(home);
        return true;
    }

    /// The first event of the lane whose turn it is, which is busy from then on. False: every lane with events is busy.
    bool pop(waiting_event& taken) noexcept {
        while (lane* const next = first_ready_) {
            first_ready_ = next->next_ready;
            next->listed = false;
            if (next->first == nullptr) {  // dropped meanwhile
                erase(*next);
                continue;
            }
            next->busy = true;
            taken = remove_first(*next);
            taken.from = next;
            return true;
        }
        return false;
    }

    /// The event that was popped of that lane has been handled.
    void finish(lane& served) noexcept {
        served.busy = false;
        if (served.first != nullptr) list(served);
        else erase(served);
    }

    /// Lets go of the lanes that wait for their turn, of lanes that are empty.
    void forget_empty() noexcept {
        waiting_event none;
        while (pop(none)) {}
    }

    /// The one that has waited longest, whether or not its lane is busy. Of lanes that are not empty.
    waiting_event pop_oldest() noexcept { return remove_first(*oldest_->home); }

    /// Calls `take(event)` for what `chosen(event)` and takes it out.
    template <class Chosen, class Take>
    void take_if(Chosen chosen, Take take) noexcept {
        lane::entry* each = oldest_;
        oldest_ = newest_ = nullptr;
        for (lane::entry* e = each; e != nullptr; e = e->newer) e->home->first = e->home->last = nullptr;
        while (each != nullptr) {
            lane::entry* const following = each->newer;
            if (chosen(each->waits)) {
                take(each->waits);
                free(each);
                --size_;
            } else {
                lane& home = *each->home;
                each->next = each->newer = nullptr;
                each->older = newest_;
                *(newest_ != nullptr ? &newest_->newer : &oldest_) = each;
                newest_ = each;
                *(home.first != nullptr ? &home.last->next : &home.first) = each;
                home.last = each;
            }
            each = following;
        }
    }

private:
    template <class T>
    static T* make() {
        return ::new (base::block_cache::allocate(sizeof(T))) T{};
    }
    template <class T>
    static void free(T* freed) noexcept {
        base::block_cache::free(freed, sizeof(T));
    }

    void list(lane& ready) noexcept {
        ready.listed = true;
        ready.next_ready = nullptr;
        *(first_ready_ != nullptr ? &last_ready_->next_ready : &first_ready_) = &ready;
        last_ready_ = &ready;
    }

    waiting_event remove_first(lane& of) noexcept {
        lane::entry* const removed = of.first;
        of.first = removed->next;
        *(removed->older != nullptr ? &removed->older->newer : &oldest_) = removed->newer;
        *(removed->newer != nullptr ? &removed->newer->older : &newest_) = removed->older;
        const waiting_event waits = removed->waits;
        free(removed);
        --size_;
        return waits;
    }

    lane*& bucket_of(std::uint64_t key) noexcept {
        // Fibonacci hashing (Knuth, volume 3, 6.4): a std::hash may be the number itself.
        return buckets_[(key * 0x9E37'79B9'7F4A'7C15U >> 32) & (bucket_count_ - 1)];
    }

    lane& find_or_add(std::uint64_t key) {
        if (bucket_count_ != 0)
            for (lane* each = bucket_of(key); each != nullptr; each = each->next_in_bucket)
                if (each->key == key) return *each;
        if (lanes_ == bucket_count_) rehash(bucket_count_ == 0 ? 16 : 2 * bucket_count_);
        lane* const added = make<lane>();
        added->key = key;
        added->next_in_bucket = std::exchange(bucket_of(key), added);
        ++lanes_;
        return *added;
    }

    void rehash(std::size_t count) {
        auto fresh = std::make_unique<lane*[]>(count);
        std::swap(buckets_, fresh);
        const std::size_t before = std::exchange(bucket_count_, count);
        for (std::size_t n = 0; n != before; ++n) {
            for (lane* each = fresh[n]; each != nullptr;) {
                lane* const following = each->next_in_bucket;
                each->next_in_bucket = std::exchange(bucket_of(each->key), each);
                each = following;
            }
        }
    }

    void erase(lane& ended) noexcept {
        lane** link = &bucket_of(ended.key);
        while (*link != &ended) link = &(*link)->next_in_bucket;
        *link = ended.next_in_bucket;
        free(&ended);
        if (--lanes_ == 0 && bucket_count_ > 256) {  // a burst of keys leaves nothing behind
            buckets_.reset();
            bucket_count_ = 0;
        }
    }

    std::unique_ptr<lane*[]> buckets_;
    std::size_t bucket_count_ = 0;  // a power of two
    std::size_t lanes_ = 0;
    std::size_t size_ = 0;
    lane* first_ready_ = nullptr;
    lane* last_ready_ = nullptr;
    lane::entry* oldest_ = nullptr;
    lane::entry* newest_ = nullptr;
};

/// One or the other.
class backlog {
public:
    explicit backlog(bool by_key) noexcept : by_key_{by_key} {}

    bool by_key() const noexcept { return by_key_; }
    std::size_t size() const noexcept { return by_key_ ? lanes_.size() : ring_.size(); }

    /// Throws std::bad_alloc and changes nothing then. Returns whether there is one more event that can be popped.
    bool push(const waiting_event& added) {
        if (by_key_) return lanes_.push(added);
        ring_.push(added);
        return true;
    }

    bool pop(waiting_event& taken) noexcept {
        if (by_key_) return lanes_.pop(taken);
        if (ring_.size() == 0) return false;
        taken = ring_.pop();
        return true;
    }

    /// For each event that pop() gave.
    void finish(const waiting_event& handled) noexcept {
        if (by_key_) lanes_.finish(*handled.from);
    }

    /// Of one without events: a lane that they have left does not count as listed any more.
    void forget_empty() noexcept { lanes_.forget_empty(); }

    waiting_event pop_oldest() noexcept { return by_key_ ? lanes_.pop_oldest() : ring_.pop(); }

    template <class Chosen, class Take>
    void take_if(Chosen chosen, Take take) noexcept {
        if (by_key_) lanes_.take_if(chosen, take);
        else ring_.take_if(chosen, take);
    }

private:
    const bool by_key_;
    event_ring ring_;
    event_lanes lanes_;
};

}  // namespace tidings::detail
