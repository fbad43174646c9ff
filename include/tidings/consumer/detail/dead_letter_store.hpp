/// What is behind tidings::dead_letters, and what it asks of consumers.
#pragma once

#include <tidings/base/config.hpp>
#include <tidings/base/sync.hpp>
#include <tidings/consumer/dead_letter.hpp>
#include <tidings/core/event_id.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tidings {

class dead_letters_ref;

/// When a store of dead letters is full.
enum class full_of_letters {
    refuse,       ///< the consumer keeps the event, and offers it again
    drop_oldest,  ///< the oldest letter makes room, and is lost
};

struct dead_letters_options {
    std::size_t capacity = 10'000;  ///< 0 counts as 1
    full_of_letters when_full = full_of_letters::refuse;
};

struct dead_letters_stats {
    std::uint64_t kept = 0;
    std::uint64_t redriven = 0;
    std::uint64_t discarded = 0;
    std::uint64_t dropped = 0;  ///< made room
    std::uint64_t refused = 0;  ///< times that there was no room
    std::size_t size = 0;       ///< kept - redriven - discarded - dropped
};

namespace consumer_detail {

class redrive_target;

/// A letter, and the way back.
struct stored_letter {
    dead_letter letter{};
    std::uint64_t key = 0;    ///< the hash that its queue goes by
    std::size_t handler = 0;  ///< of its consumer
    std::size_t queue = 0;    ///< of its consumer: the number of the first handler
    std::weak_ptr<redrive_target> from{};
    std::uint64_t order = 0;  ///< among letters; of one that was sent again and came back, that of before
    bool leaving = false;     ///< is being sent again
};

/// A consumer, for who sends its dead letters again.
class redrive_target {
public:
    virtual ~redrive_target() = default;
    redrive_target() = default;
    redrive_target(const redrive_target&) = delete;
    redrive_target& operator=(const redrive_target&) = delete;

    /// Throws std::bad_alloc. False: it does not take it.
    virtual bool redrive(const stored_letter& letter) = 0;

    /// The letter is gone for good.
    virtual void forget(const stored_letter& letter) noexcept = 0;
};

class dead_letter_store {
public:
    explicit dead_letter_store(const dead_letters_options& options)
        : capacity_{std::max<std::size_t>(options.capacity, 1)}, when_full_{options.when_full} {}

    /// Behind all letters there are.
    std::uint64_t next_order() noexcept {
        const std::lock_guard lock{mutex_};
        return ++last_order_;
    }

    /// False: there is no room. Throws std::bad_alloc. Then `made` is as it was.
    bool keep(stored_letter&& made) {
        std::list<stored_letter> fresh(1);  // made, and destroyed, without the lock
        std::list<stored_letter> dropped;
        {
            const std::lock_guard lock{mutex_};
            auto oldest = letters_.begin();
            if (letters_.size() >= capacity_) {
                while (oldest != letters_.end() && oldest->leaving) ++oldest;
                if (when_full_ == full_of_letters::refuse || oldest == letters_.end()) {
                    ++stats_.refused;
                    return false;
                }
            }
            places_.emplace(made.letter.id, fresh.begin());
            fresh.front() = std::move(made);
            if (letters_.size() >= capacity_) {
                take_out(oldest, dropped);
                ++stats_.dropped;
            }
            auto after = letters_.end();
            while (after != letters_.begin() && std::prev(after)->order > fresh.front().order) --after;
            letters_.splice(after, fresh);
            ++stats_.kept;
        }
        for (const stored_letter& each : dropped) tell_forgotten(each);
        return true;
    }

    /// Consumers of that name are asked where the one that gave a letter up is gone. Throws std::bad_alloc.
    void enlist(const std::string& consumer, const std::weak_ptr<redrive_target>& target) {
        const std::lock_guard lock{mutex_};
        std::erase_if(targets_, [](const auto& each) { return each.second.expired(); });
        targets_.emplace_back(consumer, target);
    }

    bool redrive(const event_id& id) {
        std::shared_ptr<redrive_target> target;
        stored_letter copy;
        {
            const std::lock_guard lock{mutex_};
            const auto found = places_.find(id);
            if (found == places_.end() || found->second->leaving) return false;
            stored_letter& stored = *found->second;
            target = stored.from.lock();
            for (auto each = targets_.rbegin(); target == nullptr && each != targets_.rend(); ++each)
                if (each->first == stored.letter.consumer) target = each->second.lock();
            if (target == nullptr) return false;
            copy = stored;
            stored.leaving = true;
        }
        bool sent = false;
        TIDINGS_TRY { sent = target->redrive(copy); }
        TIDINGS_CATCH_ALL {
            end_redrive(id, false);
            TIDINGS_RETHROW;
        }
        end_redrive(id, sent);
        return sent;
    }

    bool discard(const event_id& id) noexcept {
        std::list<stored_letter> gone;
        {
            const std::lock_guard lock{mutex_};
            const auto found = places_.find(id);
            if (found == places_.end() || found->second->leaving) return false;
            take_out(found->second, gone);
            ++stats_.discarded;
        }
        tell_forgotten(gone.front());
        return true;
    }

    std::vector<dead_letter> list(const dead_letter_query& which, std::size_t limit) const {
        std::vector<dead_letter> found;
        const std::lock_guard lock{mutex_};
        for (const stored_letter& each : letters_) {
            if (found.size() >= limit) break;
            if (which.matches(each.letter)) found.push_back(each.letter);
        }
        return found;
    }

    std::vector<event_id> ids(const dead_letter_query& which) const {
        std::vector<event_id> found;
        const std::lock_guard lock{mutex_};
        for (const stored_letter& each : letters_)
            if (which.matches(each.letter)) found.push_back(each.letter.id);
        return found;
    }

    std::optional<dead_letter> find(const event_id& id) const {
        const std::lock_guard lock{mutex_};
        const auto found = places_.find(id);
        return found != places_.end() ? std::optional{found->second->letter} : std::nullopt;
    }

    std::size_t size() const noexcept {
        const std::lock_guard lock{mutex_};
        return letters_.size();
    }

    dead_letters_stats stats() const noexcept {
        const std::lock_guard lock{mutex_};
        dead_letters_stats now = stats_;
        now.size = letters_.size();
        return now;
    }

private:
    using place = std::list<stored_letter>::iterator;

    /// Holds mutex_.
    void take_out(place which, std::list<stored_letter>& into) noexcept {
        places_.erase(which->letter.id);
        into.splice(into.end(), letters_, which);
    }

    void end_redrive(const event_id& id, bool sent) noexcept {
        std::list<stored_letter> gone;
        const std::lock_guard lock{mutex_};
        const place which = places_.find(id)->second;  // nobody else takes out what is leaving
        which->leaving = false;
        if (!sent) return;
        take_out(which, gone);
        ++stats_.redriven;
    }

    static void tell_forgotten(const stored_letter& gone) noexcept {
        if (const auto target = gone.from.lock()) target->forget(gone);
    }

    const std::size_t capacity_;
    const full_of_letters when_full_;
    mutable base::mutex mutex_;

    // Guarded by mutex_.
    std::list<stored_letter> letters_;  // in their order
    std::unordered_map<event_id, place> places_;
    std::vector<std::pair<std::string, std::weak_ptr<redrive_target>>> targets_;
    std::uint64_t last_order_ = 0;
    dead_letters_stats stats_{};
};

}  // namespace consumer_detail
}  // namespace tidings
