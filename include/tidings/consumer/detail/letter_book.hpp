/// What a consumer remembers of its dead letters, and of those that came back.
#pragma once

#include <tidings/base/config.hpp>
#include <tidings/base/sync.hpp>
#include <tidings/consumer/dead_letter.hpp>
#include <tidings/consumer/detail/dead_letter_store.hpp>
#include <tidings/core/event_id.hpp>
#include <tidings/core/kept_event.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
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
/// letters that hold up their key. What a queue drops leaves an entry, until another event has its address.
class letter_book {
public:
    /// Why an event was given up.
    struct death {
        std::string error{};
        int attempts = 0;
    };

    /// Whether there is nothing in it.
    bool is_empty() const noexcept { return entries_.load(std::memory_order_acquire) == 0; }

    // --- Sent again ------------------------------------------------------------------------------------------------

    /// It holds up later events of `line`, if there is one, as its letter did. Throws std::bad_alloc.
    void note_sent(const stored_letter& sent, std::size_t handler, const std::optional<key_of_queue>& line) {
        const dead_letter& letter = sent.letter;
        sent_event noted{.id = letter.event_id, .order = sent.order, .line = line};
        noted.history.reserve(letter.history.size() + 1);
        noted.history = letter.history;
        noted.history.push_back({letter.attempts, letter.error, letter.time});
        const std::lock_guard lock{mutex_};
        noted.life = ++lives_;
        const auto [known, is_new] = sent_.try_emplace(place{letter.event.shared(), handler});
        TIDINGS_TRY {
            if (line) add(*line, sent.order);
        }
        TIDINGS_CATCH_ALL {
            if (is_new) sent_.erase(known);
            count();
            TIDINGS_RETHROW;
        }
        known->second = std::move(noted);
        count();
    }

    /// It was not sent after all.
    void take_back(const kept_event& event, std::size_t handler) noexcept {
        const std::lock_guard lock{mutex_};
        sent_.erase({event.shared(), handler});
        count();
    }

    /// It has ended, and is no letter.
    void end_sent(const kept_event& event, std::size_t handler) noexcept {
        const std::lock_guard lock{mutex_};
        const auto found = sent_.find({event.shared(), handler});
        if (found == sent_.end()) return;
        if (found->second.line) remove(*found->second.line, found->second.order);
        sent_.erase(found);
        count();
    }

    /// It is a letter, which goes on with the history and the place of this one. Returns which of its lives has ended
    /// with it, for end_life(). Throws std::bad_alloc.
    std::uint64_t continue_from(const kept_event& event, stored_letter& letter) const {
        const std::lock_guard lock{mutex_};
        const sent_event* const sent = find_in(sent_, event, letter.handler);
        if (sent == nullptr) return 0;
        letter.letter.history = sent->history;
        letter.order = sent->order;
        return sent->life;
    }

    /// The letter is kept. By now somebody may have sent it again.
    void end_life(const kept_event& event, std::size_t handler, std::uint64_t life) noexcept {
        const std::lock_guard lock{mutex_};
        const auto found = sent_.find({event.shared(), handler});
        if (found == sent_.end() || found->second.life != life) return;
        sent_.erase(found);
        count();
    }

    /// Whether it was sent again, and not only parked before.
    bool was_tried_and_sent(const kept_event& event, std::size_t handler) const noexcept {
        const std::lock_guard lock{mutex_};
        const sent_event* const sent = find_in(sent_, event, handler);
        return sent != nullptr && std::any_of(sent->history.begin(), sent->history.end(),
                                              [](const auto& each) { return each.attempts != 0; });
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

    /// It holds up its key. False: it did so before, sent again. Throws std::bad_alloc.
    bool add_letter(const key_of_queue& line, std::uint64_t order) {
        const std::lock_guard lock{mutex_};
        const bool is_new = add(line, order);
        count();
        return is_new;
    }

    void remove_letter(const key_of_queue& line, std::uint64_t order) noexcept {
        const std::lock_guard lock{mutex_};
        remove(line, order);
        count();
    }

    /// Whether the event has to wait behind another of its key: a letter, or what was sent again and has not ended. Was
    /// it sent again itself, behind those that were published before it.
    bool is_behind_letter(const kept_event& event, std::size_t handler, const key_of_queue& line) const noexcept {
        const std::lock_guard lock{mutex_};
        const auto dead = keys_.find(line);
        if (dead == keys_.end()) return false;
        const sent_event* const sent = find_in(sent_, event, handler);
        return sent == nullptr || *dead->second.begin() < sent->order;
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
        std::uint64_t life = 0;
        std::uint64_t order = 0;  ///< of its letter
        std::vector<dead_letter::earlier_death> history{};
        std::optional<key_of_queue> line{};  ///< that it holds up
    };
    struct refused_event {
        event_id id;
        death why;
    };

    template <class Map>
    static const typename Map::mapped_type* find_in(const Map& map, const kept_event& event,
                                                    std::size_t handler) noexcept {
        const auto found = map.find({event.shared(), handler});
        return found != map.end() && found->second.id == event.id() ? &found->second : nullptr;
    }

    // Hold mutex_.
    bool add(const key_of_queue& line, std::uint64_t order) {
        const auto [dead, is_first] = keys_.try_emplace(line);
        TIDINGS_TRY { return dead->second.insert(order).second; }
        TIDINGS_CATCH_ALL {
            if (is_first) keys_.erase(dead);
            TIDINGS_RETHROW;
        }
    }
    void remove(const key_of_queue& line, std::uint64_t order) noexcept {
        const auto dead = keys_.find(line);
        if (dead == keys_.end()) return;
        dead->second.erase(order);
        if (dead->second.empty()) keys_.erase(dead);
    }
    void count() noexcept { entries_.store(sent_.size() + refused_.size() + keys_.size(), std::memory_order_release); }

    base::atomic<std::size_t> entries_{0};
    mutable base::mutex mutex_;

    // Guarded by mutex_.
    std::uint64_t lives_ = 0;
    std::unordered_map<place, sent_event, hash> sent_;
    std::unordered_map<place, refused_event, hash> refused_;
    std::unordered_map<key_of_queue, std::set<std::uint64_t>, hash> keys_;  // the orders of what holds them up
};

}  // namespace tidings::consumer_detail
