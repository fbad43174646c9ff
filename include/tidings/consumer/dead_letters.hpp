/// Where consumers put what they gave up, to be looked at, mended and sent again.
#pragma once

#include <tidings/base/config.hpp>
#include <tidings/base/sync.hpp>
#include <tidings/consumer/dead_letter.hpp>
#include <tidings/consumer/detail/dead_letter_store.hpp>
#include <tidings/core/event_id.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace tidings {

/// Dead letters in memory, of one consumer or of several. No more than `capacity` of them.
///
/// A letter is kept before its consumer lets go of the event. When the store is full, or memory is, the event stays
/// in the consumer's queue and is offered again after its longest backoff, or a tenth of a second if that is longer:
/// nothing is lost, and those behind it wait.
///
/// Outlives its consumers, else nobody sees what they give up. Thread-safe. No lock is held while events are sent,
/// or destroyed.
class dead_letters {
public:
    /// Throws std::bad_alloc.
    explicit dead_letters(const dead_letters_options& options = {})
        : store_{std::make_shared<consumer_detail::dead_letter_store>(options)} {}
    dead_letters(const dead_letters&) = delete;
    dead_letters& operator=(const dead_letters&) = delete;

    std::size_t size() const noexcept { return store_->size(); }
    bool empty() const noexcept { return size() == 0; }

    /// The oldest first, no more than `limit`. Throws std::bad_alloc. Linear.
    std::vector<dead_letter> list(const dead_letter_query& which = {},
                                  std::size_t limit = static_cast<std::size_t>(-1)) const {
        return store_->list(which, limit);
    }
    std::optional<dead_letter> find(const event_id& letter) const { return store_->find(letter); }

    /// Sends the event to the consumer that gave it up, or to one of the same name, and to no other: with its id, and
    /// attempts from 1. It waits for its turn there. False: there is no such letter, its consumer is gone or its
    /// queue is closed or full; the letter stays. May block where that queue blocks its publishers. Throws
    /// std::bad_alloc; the letter stays then.
    bool redrive(const event_id& letter) { return store_->redrive(letter); }

    /// The same with each of them, the oldest first, until one cannot be sent. Returns how many were.
    std::size_t redrive_all(const dead_letter_query& which = {}) {
        std::size_t sent = 0;
        for (const event_id& id : store_->ids(which)) {
            if (!redrive(id)) break;
            ++sent;
        }
        return sent;
    }

    /// Forgets it. False: there is no such letter, or it is being sent.
    bool discard(const event_id& letter) noexcept { return store_->discard(letter); }
    std::size_t discard_all(const dead_letter_query& which = {}) {
        std::size_t gone = 0;
        for (const event_id& id : store_->ids(which)) gone += discard(id) ? 1 : 0;
        return gone;
    }

    dead_letters_stats stats() const noexcept { return store_->stats(); }

private:
    friend dead_letters_ref;
    std::shared_ptr<consumer_detail::dead_letter_store> store_;
};

/// Where a consumer is to put what it gives up. Empty: nowhere.
class dead_letters_ref {
public:
    dead_letters_ref() noexcept = default;
    dead_letters_ref(dead_letters& letters) noexcept : store_{letters.store_} {}  // NOLINT(google-explicit-constructor)

    explicit operator bool() const noexcept { return store_ != nullptr; }

    /// For the library.
    const std::shared_ptr<consumer_detail::dead_letter_store>& store() const noexcept { return store_; }

private:
    std::shared_ptr<consumer_detail::dead_letter_store> store_;
};

}  // namespace tidings
