/// The messages of a work queue that were given up.
#pragma once

#include <tidings/base/function.hpp>
#include <tidings/queue/dead_message.hpp>
#include <tidings/queue/detail/contents.hpp>
#include <tidings/queue/detail/message.hpp>
#include <tidings/queue/detail/state.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace tidings {

/// The dead letters of one work_queue, oldest first; as many as work_queue_options::dead_letters says. What comes when
/// that many are kept pushes the oldest out, which is discarded and counted in work_queue_stats::evicted.
///
/// A reference: valid as long as the queue. Thread-safe. Takes the queue's lock, which holds up everybody else; looking
/// for an id is linear in the dead letters.
template <class T>
class dead_messages {
public:
    /// For the library.
    explicit dead_messages(work_queue_detail::state& of) noexcept : home_{&of} {}

    std::size_t size() const { return static_cast<std::size_t>(home_->stats().dead); }
    bool empty() const { return size() == 0; }

    /// Copies what is known of them, but not the messages. Throws std::bad_alloc. Linear.
    std::vector<dead_message> list() const {
        const clocks here{*home_};
        std::vector<dead_message> all;
        visit inside{*home_};
        contents& held = inside_of(inside, here.now);
        all.reserve(held.dead().size());
        for (const message* each = held.dead().front(); each != nullptr; each = each->next)
            all.push_back({.id = each->id,
                           .error = std::string{error_of(*each)},
                           .attempts = each->attempts,
                           .priority = priority_of(*each),
                           .pushed = here.time_of_day(each->pushed),
                           .died = here.time_of_day(each->since),
                           .earlier = each->past != nullptr ? each->past->earlier : decltype(dead_message::earlier){}});
        return all;
    }

    /// Calls `look(const T&)` with the message, and with no lock held. False: there is none of that id.
    template <class F>
    bool inspect(std::uint64_t id, F look) const {
        message* found = nullptr;
        {
            const auto now = home_->now();
            visit inside{*home_};
            found = inside_of(inside, now).find_dead(id);
            if (found != nullptr) found->retain();
        }
        if (found == nullptr) return false;
        const struct share {
            message& of;
            ~share() { of.release(); }
        } kept{*found};
        base::invoke(look, static_cast<const work_queue_detail::message_of<T>&>(*found).value);
        return true;
    }

    /// Makes it ready again, behind those of its priority. Its attempts begin at 1; what has been stays in
    /// dead_message::earlier. False: there is none of that id, or the queue is full or closed. Does not wait. Throws
    /// std::bad_alloc, and nothing has changed then.
    bool redrive(std::uint64_t id) {
        const clocks here{*home_};
        visit inside{*home_};
        message* const found = inside_of(inside, here.now).find_dead(id);
        return found != nullptr && redrive(*found, here);
    }

    /// The same with all, oldest first, until the queue is full. Returns how many.
    std::size_t redrive_all() {
        const clocks here{*home_};
        visit inside{*home_};
        contents& held = inside_of(inside, here.now);
        std::size_t count = 0;
        while (message* const first = held.dead().front()) {
            if (!redrive(*first, here)) break;
            ++count;
        }
        return count;
    }

    /// Destroys it. False: there is none of that id.
    bool discard(std::uint64_t id) {
        const auto now = home_->now();
        visit inside{*home_};
        contents& held = inside_of(inside, now);
        message* const found = held.find_dead(id);
        if (found != nullptr) held.discard(*found);
        return found != nullptr;
    }

private:
    using contents = work_queue_detail::contents;
    using message = work_queue_detail::message;
    using visit = work_queue_detail::state::visit;

    /// What is the time of day for the clock's time.
    struct clocks {
        explicit clocks(work_queue_detail::state& of) noexcept : now{of.now()}, of_day{of.clock().system_now()} {}
        std::chrono::system_clock::time_point time_of_day(work_queue_detail::time_point then) const noexcept {
            return of_day - std::chrono::duration_cast<std::chrono::system_clock::duration>(now - then);
        }
        const work_queue_detail::time_point now;
        const std::chrono::system_clock::time_point of_day;
    };

    contents& inside_of(visit&, work_queue_detail::time_point now) const noexcept {
        home_->held().look_at_time(now);
        return home_->held();
    }

    bool redrive(message& m, const clocks& here) { return home_->redrive(m, here.time_of_day(m.since), here.now); }

    work_queue_detail::state* home_;
};

}  // namespace tidings
