/// The events that wait in a line for each key.
#pragma once

#include <tidings/base/block_cache.hpp>
#include <tidings/base/config.hpp>
#include <tidings/core/detail/waiting_event.hpp>
#include <tidings/executor/alarm_queue.hpp>
#include <tidings/executor/clock.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>

namespace tidings::detail {

/// How a line that rests goes on.
enum class rest {
    until_due,
    until_woken,  ///< or until it is due
};

/// The events of one key. It stands in its bucket as long as it has events or one of its is being handled.
struct lane : alarm {
    lane() noexcept : alarm{nullptr} {}  // it stands in an alarm_queue while it rests, and does not ring

    struct entry {
        waiting_event waits;
        unsigned failed = 0;    ///< how often it has come back
        entry* next = nullptr;  ///< of this lane
        entry* older = nullptr;
        entry* newer = nullptr;
        lane* home = nullptr;
    };

    std::uint64_t key;
    entry* first = nullptr;
    entry* last = nullptr;
    entry* popped = nullptr;    ///< kept for it to come back
    bool busy = false;          ///< one of its events was popped and has not been finished, or it rests
    bool listed = false;        ///< stands in the list of those that an event can be popped from
    bool can_be_woken = false;  ///< while it rests
    lane* next_ready = nullptr;
    lane* next_in_bucket = nullptr;
};

/// A line for each key; the lanes take turns.
class event_lanes {
public:
    using time_point = lane::time_point;

    /// `may_rest`: events may come back with a time.
    explicit event_lanes(bool may_rest) noexcept : may_rest_{may_rest} {}
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
            next->popped = &unlink_first(*next);
            taken = next->popped->waits;
            taken.from = next;
            return true;
        }
        return false;
    }

    /// The event that was popped of that lane has been handled.
    void finish(lane& served) noexcept {
        free(std::exchange(served.popped, nullptr));
        end_turn(served);
    }

    static unsigned failed(const lane& served) noexcept { return served.popped->failed; }

    /// The event that was popped of that lane is its first again, and the oldest of all. The lane rests until `due`.
    void put_back(lane& served, unsigned failed, time_point due, rest kind) noexcept {
        lane::entry& again = *std::exchange(served.popped, nullptr);
        again.failed = failed;
        again.older = nullptr;
        again.newer = oldest_;
        *(oldest_ != nullptr ? &oldest_->older : &newest_) = &again;
        oldest_ = &again;
        again.next = served.first;
        if (served.first == nullptr) served.last = &again;
        served.first = &again;
        ++size_;
        if (due == time_point::min()) {
            end_turn(served);
            return;
        }
        served.can_be_woken = kind == rest::until_woken;
        resting_.push(served, due);  // there is room
    }

    /// When the first lane that rests is due; the last moment there is: none rests.
    time_point next_due() const noexcept { return resting_.empty() ? time_point::max() : resting_.first()->due; }

    /// Those that are due take their turn again. Returns how many.
    std::size_t wake(time_point now) noexcept {
        std::size_t woken = 0;
        for (; next_due() <= now && !resting_.empty(); ++woken) end_turn(static_cast<lane&>(*resting_.pop()));
        return woken;
    }

    /// The lane of that key does not rest any more, if it may be woken. False: it does not, or may not.
    bool wake_line(std::uint64_t key) noexcept {
        if (bucket_count_ == 0) return false;
        lane* at = bucket_of(key);
        while (at != nullptr && at->key != key) at = at->next_in_bucket;
        if (at == nullptr || !at->can_be_woken || !resting_.remove(*at)) return false;
        end_turn(*at);
        return true;
    }

    /// Lets go of the lanes that wait for their turn, of lanes that are empty.
    void forget_empty() noexcept {
        waiting_event none;
        while (pop(none)) {}
        while (!resting_.empty()) end_turn(static_cast<lane&>(*resting_.pop()));
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

    /// Nothing of it is handled, or rests, any more.
    void end_turn(lane& served) noexcept {
        served.busy = false;
        if (served.first != nullptr) list(served);
        else erase(served);
    }

    lane::entry& unlink_first(lane& of) noexcept {
        lane::entry* const removed = of.first;
        of.first = removed->next;
        *(removed->older != nullptr ? &removed->older->newer : &oldest_) = removed->newer;
        *(removed->newer != nullptr ? &removed->newer->older : &newest_) = removed->older;
        --size_;
        return *removed;
    }

    waiting_event remove_first(lane& of) noexcept {
        lane::entry& removed = unlink_first(of);
        const waiting_event waits = removed.waits;
        free(&removed);
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
        if (may_rest_) resting_.reserve(lanes_ + 1);
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
            resting_ = {};
        }
    }

    const bool may_rest_;
    alarm_queue resting_;  // has room for every lane
    std::unique_ptr<lane*[]> buckets_;
    std::size_t bucket_count_ = 0;  // a power of two
    std::size_t lanes_ = 0;
    std::size_t size_ = 0;
    lane* first_ready_ = nullptr;
    lane* last_ready_ = nullptr;
    lane::entry* oldest_ = nullptr;
    lane::entry* newest_ = nullptr;
};

}  // namespace tidings::detail
