/// What a consumer remembers of its dead letters, and of those that came back.
#pragma once

#include <tidings/base/sync.hpp>
#include <tidings/consumer/dead_letter.hpp>
#include <tidings/consumer/detail/dead_letter_store.hpp>
#include <tidings/core/kept_event.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tidings::consumer_detail {

/// Thread-safe. As large as there are letters that were sent again and have not ended, letters that were refused, and
/// keys with letters.
class letter_book {
public:
    /// Why an event was given up.
    struct death {
        std::string error;
        int attempts = 0;
    };

    /// Whether there is nothing in it.
    bool is_empty() const noexcept { return entries_.load(std::memory_order_acquire) == 0; }

    // --- Sent again ------------------------------------------------------------------------------------------------

    /// Throws std::bad_alloc.
    void note_sent(const stored_letter& sent, std::size_t handler) {
        const dead_letter& letter = sent.letter;
        std::vector<dead_letter::earlier_death> history;
        history.reserve(letter.history.size() + 1);
        history = letter.history;
        history.push_back({letter.attempts, letter.error, letter.time});
        const std::lock_guard lock{mutex_};
        sent_.insert_or_assign(place{letter.event.shared(), handler},
                               sent_event{++sequence_, sent.order, std::move(history)});
        count();
    }

    /// It has ended, or was not sent after all.
    void end_sent(const kept_event& event, std::size_t handler) noexcept {
        const std::lock_guard lock{mutex_};
        sent_.erase({event.shared(), handler});
        count();
    }

    /// Of an event that was sent again: its history, and its place among the letters. Throws std::bad_alloc.
    void continue_from(const kept_event& event, stored_letter& letter) const {
        const std::lock_guard lock{mutex_};
        const auto found = sent_.find({event.shared(), letter.handler});
        if (found == sent_.end()) return;
        letter.letter.history = found->second.history;
        letter.order = found->second.order;
    }

    bool was_sent(const kept_event& event, std::size_t handler) const noexcept {
        const std::lock_guard lock{mutex_};
        return sent_.contains({event.shared(), handler});
    }

    // --- Refused ---------------------------------------------------------------------------------------------------

    /// Throws std::bad_alloc.
    void note_refused(const kept_event& event, std::size_t handler, death&& why) {
        const std::lock_guard lock{mutex_};
        refused_.insert_or_assign(place{event.shared(), handler}, std::move(why));
        count();
    }

    std::optional<death> take_refused(const kept_event& event, std::size_t handler) noexcept {
        const std::lock_guard lock{mutex_};
        const auto found = refused_.find({event.shared(), handler});
        if (found == refused_.end()) return std::nullopt;
        std::optional<death> why = std::move(found->second);
        refused_.erase(found);
        count();
        return why;
    }

    // --- Keys with letters -----------------------------------------------------------------------------------------

    /// Throws std::bad_alloc.
    void add_letter(std::uint64_t key) {
        const std::lock_guard lock{mutex_};
        dead_key& dead = keys_[key];
        ++dead.letters;
        dead.newest = ++sequence_;
        count();
    }

    void remove_letter(std::uint64_t key) noexcept {
        const std::lock_guard lock{mutex_};
        const auto found = keys_.find(key);
        if (found == keys_.end()) return;
        if (--found->second.letters == 0) keys_.erase(found);
        count();
    }

    /// Whether the event has to wait behind a letter of its key: any, or, if it was sent again, a newer one.
    bool is_behind_letter(const kept_event& event, std::size_t handler, std::uint64_t key) const noexcept {
        const std::lock_guard lock{mutex_};
        const auto dead = keys_.find(key);
        if (dead == keys_.end()) return false;
        const auto sent = sent_.find({event.shared(), handler});
        return sent == sent_.end() || sent->second.sequence < dead->second.newest;
    }

private:
    /// An event on its way to a handler: whoever sent it on, or holds it, keeps the address from being another's.
    struct place {
        const void* event;
        std::size_t handler;
        friend bool operator==(const place&, const place&) = default;
    };
    struct place_hash {
        std::size_t operator()(const place& of) const noexcept {
            return std::hash<const void*>{}(of.event) ^ of.handler * 0x9E37'79B9'7F4A'7C15U;
        }
    };
    struct sent_event {
        std::uint64_t sequence = 0;
        std::uint64_t order = 0;
        std::vector<dead_letter::earlier_death> history;
    };
    struct dead_key {
        std::size_t letters = 0;
        std::uint64_t newest = 0;
    };

    void count() noexcept { entries_.store(sent_.size() + refused_.size() + keys_.size(), std::memory_order_release); }

    base::atomic<std::size_t> entries_{0};
    mutable base::mutex mutex_;

    // Guarded by mutex_.
    std::uint64_t sequence_ = 0;  // orders what was sent, and letters
    std::unordered_map<place, sent_event, place_hash> sent_;
    std::unordered_map<place, death, place_hash> refused_;
    std::unordered_map<std::uint64_t, dead_key> keys_;
};

}  // namespace tidings::consumer_detail
