/// What a consumer remembers of its dead letters, and of those that came back.
#pragma once

#include <tidings/base/config.hpp>
#include <tidings/base/sync.hpp>
#include <tidings/consumer/dead_letter.hpp>
#include <tidings/consumer/detail/dead_letter_store.hpp>
#include <tidings/core/event_id.hpp>
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

/// The events of one key in one queue of a consumer.
struct key_of_queue {
    std::size_t queue = 0;  ///< the number of its first handler
    std::uint64_t key = 0;  ///< a hash
    friend bool operator==(const key_of_queue&, const key_of_queue&) = default;
};

/// Thread-safe. As large as there are letters that were sent again and have not ended, letters that were refused, and
/// keys with either. What a queue drops leaves an entry, until another event has its address.
class letter_book {
public:
    /// Why an event was given up.
    struct death {
        std::string error{};
        int attempts = 0;
    };

    /// Whether an event that was sent again holds up later ones until it has ended. Not where its queue may drop it,
    /// for then nobody says so.
    enum class holds_up { nobody, its_key };

    /// Whether there is nothing in it.
    bool is_empty() const noexcept { return entries_.load(std::memory_order_acquire) == 0; }

    // --- Sent again ------------------------------------------------------------------------------------------------

    /// Throws std::bad_alloc.
    void note_sent(const stored_letter& sent, std::size_t handler, const key_of_queue& line, holds_up whom) {
        const dead_letter& letter = sent.letter;
        sent_event noted{.id = letter.event_id, .order = sent.order};
        noted.history.reserve(letter.history.size() + 1);
        noted.history = letter.history;
        noted.history.push_back({letter.attempts, letter.error, letter.time});
        if (whom == holds_up::its_key) noted.line = line;
        const std::lock_guard lock{mutex_};
        noted.sequence = ++sequence_;
        const auto [known, is_new] = sent_.try_emplace(place{letter.event.shared(), handler});
        if (!is_new) free_line(known->second);
        TIDINGS_TRY {
            if (noted.line) ++keys_[line].sent;
        }
        TIDINGS_CATCH_ALL {
            sent_.erase(known);
            count();
            TIDINGS_RETHROW;
        }
        known->second = std::move(noted);
        count();
    }

    /// It has ended, or was not sent after all.
    void end_sent(const kept_event& event, std::size_t handler) noexcept {
        const std::lock_guard lock{mutex_};
        const auto found = sent_.find({event.shared(), handler});
        if (found == sent_.end()) return;
        free_line(found->second);
        sent_.erase(found);
        count();
    }

    /// Of an event that was sent again: its history, and its place among the letters. Throws std::bad_alloc.
    void continue_from(const kept_event& event, stored_letter& letter) const {
        const std::lock_guard lock{mutex_};
        const sent_event* const sent = find_in(sent_, event, letter.handler);
        if (sent == nullptr) return;
        letter.letter.history = sent->history;
        letter.order = sent->order;
    }

    bool was_sent(const kept_event& event, std::size_t handler) const noexcept {
        const std::lock_guard lock{mutex_};
        return find_in(sent_, event, handler) != nullptr;
    }

    // --- Refused ---------------------------------------------------------------------------------------------------

    /// Throws std::bad_alloc.
    void note_refused(const kept_event& event, std::size_t handler, death&& why) {
        const std::lock_guard lock{mutex_};
        refused_.insert_or_assign(place{event.shared(), handler}, refused_event{event.id(), std::move(why)});
        count();
    }

    std::optional<death> take_refused(const kept_event& event, std::size_t handler) noexcept {
        const std::lock_guard lock{mutex_};
        const auto found = refused_.find({event.shared(), handler});
        if (found == refused_.end()) return std::nullopt;
        std::optional<death> why;
        if (found->second.id == event.id()) why = std::move(found->second.why);
        refused_.erase(found);
        count();
        return why;
    }

    // --- Keys with letters -----------------------------------------------------------------------------------------

    /// What was sent again before, and is behind it, is a letter again, too: not behind one of an event that was
    /// published later. Throws std::bad_alloc.
    void add_letter(const key_of_queue& line, const stored_letter& letter) {
        const std::lock_guard lock{mutex_};
        dead_key& dead = keys_[line];
        ++dead.letters;
        if (letter.order != 0) dead.newest = ++sequence_;
        count();
    }

    void remove_letter(const key_of_queue& line) noexcept {
        const std::lock_guard lock{mutex_};
        const auto found = keys_.find(line);
        if (found == keys_.end() || found->second.letters == 0) return;
        --found->second.letters;
        forget_if_free(found);
        count();
    }

    /// Whether the event has to wait behind another of its key: a letter, or what was sent again and has not ended; or,
    /// if it was sent again itself, a letter that came back since.
    bool is_behind_letter(const kept_event& event, std::size_t handler, const key_of_queue& line) const noexcept {
        const std::lock_guard lock{mutex_};
        const auto dead = keys_.find(line);
        if (dead == keys_.end()) return false;
        const sent_event* const sent = find_in(sent_, event, handler);
        return sent == nullptr || sent->sequence < dead->second.newest;
    }

private:
    /// An event on its way to a handler. Where it was dropped its address may be that of another by now: its id tells.
    struct place {
        const void* event;
        std::size_t handler;
        friend bool operator==(const place&, const place&) = default;
    };
    struct hash {
        static constexpr std::uint64_t odd = 0x9E37'79B9'7F4A'7C15U;
        std::size_t operator()(const place& of) const noexcept {
            return std::hash<const void*>{}(of.event) ^ static_cast<std::size_t>(of.handler * odd);
        }
        std::size_t operator()(const key_of_queue& of) const noexcept {
            return static_cast<std::size_t>(of.key ^ of.queue * odd);
        }
    };
    struct sent_event {
        event_id id{};
        std::uint64_t sequence = 0;
        std::uint64_t order = 0;
        std::vector<dead_letter::earlier_death> history{};
        std::optional<key_of_queue> line{};  ///< that it holds up
    };
    struct refused_event {
        event_id id;
        death why;
    };
    struct dead_key {
        std::size_t letters = 0;
        std::size_t sent = 0;      ///< again, and not ended
        std::uint64_t newest = 0;  ///< letter that had been sent again
    };
    using keys = std::unordered_map<key_of_queue, dead_key, hash>;

    template <class Map>
    static const typename Map::mapped_type* find_in(const Map& map, const kept_event& event,
                                                    std::size_t handler) noexcept {
        const auto found = map.find({event.shared(), handler});
        return found != map.end() && found->second.id == event.id() ? &found->second : nullptr;
    }

    // Hold mutex_.
    void free_line(const sent_event& ended) noexcept {
        if (!ended.line) return;
        const auto found = keys_.find(*ended.line);
        --found->second.sent;
        forget_if_free(found);
    }
    void forget_if_free(keys::iterator key) noexcept {
        if (key->second.letters == 0 && key->second.sent == 0) keys_.erase(key);
    }
    void count() noexcept { entries_.store(sent_.size() + refused_.size() + keys_.size(), std::memory_order_release); }

    base::atomic<std::size_t> entries_{0};
    mutable base::mutex mutex_;

    // Guarded by mutex_.
    std::uint64_t sequence_ = 0;  // orders what was sent, and letters
    std::unordered_map<place, sent_event, hash> sent_;
    std::unordered_map<place, refused_event, hash> refused_;
    keys keys_;
};

}  // namespace tidings::consumer_detail
