/// Numbered events put back in order.
#pragma once

#include <tidings/consumer/detail/lingering.hpp>
#include <tidings/consumer/detail/sequencing.hpp>
#include <tidings/consumer/resequencer_functions.hpp>
#include <tidings/consumer/resequencer_options.hpp>
#include <tidings/consumer/resequencer_stats.hpp>
#include <tidings/consumer/sequence_gap.hpp>
#include <tidings/consumer/sequence_outcome.hpp>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>

namespace tidings {

/// Hands events on in the order of their numbers, each number once. What comes before its turn is held; what is missing
/// is waited for until an event behind it has been held for resequencer_options::patience, or no more can be held.
/// Then the gap is told, and order goes on behind it. What comes too late for its turn, or twice, is never
/// delivered: it is counted and handed over.
///
/// Time is what the caller says it is, and does not go back. A gap is never given up early; it is with the first push()
/// or advance() at deadline() or later. An event that arrives just then fills its gap.
/// Numbers do not wrap: those of fewer bits are extended by whoever knows them.
///
/// For one thread at a time, as a handler of a subscription is that handles one event at a time; no lock is taken. A
/// handler may push: what it pushes is held until it returns, and then has its turn. It may destroy the
/// resequencer. An event in its turn neither allocates nor moves; one that is held is moved, allocates, and takes
/// O(log n) in those that are held. Strays take O(log n) in the gaps that are remembered.
/// Source: Hohpe and Woolf, Enterprise Integration Patterns, "Resequencer"; jumps as in RFC 3550, A.1.
template <class Event>
class resequencer {
    static_assert(std::is_object_v<Event> && !std::is_const_v<Event> && std::move_constructible<Event>,
                  "tidings: an event that is put in order is an object that can be moved");

public:
    using time_point = std::chrono::steady_clock::time_point;

    /// Throws std::bad_alloc.
    explicit resequencer(resequencer_functions<Event> functions, const resequencer_options& options = {})
        : state_{std::in_place, std::move(functions), options} {}

    /// What is held is discarded: flush() first, if it is wanted. May be called from inside a handler.
    ~resequencer() = default;

    resequencer(const resequencer&) = delete;
    resequencer& operator=(const resequencer&) = delete;

    /// Delivers the event if it is its turn, with those that follow it; then what time has made due.
    ///
    /// Throws std::bad_alloc, and what moving the event throws, where it cannot be held: it has failed then, and may be
    /// pushed again. Else it throws, when all is done, the first of what handlers have thrown: an event whose handler
    /// threw counts as failed, and has had its turn.
    sequence_outcome push(std::uint64_t sequence, Event event, time_point now) {
        const typename state::call here{state_};
        return here->push(sequence, event, now, here.let_go());
    }

    /// Gives up the gaps before what has been held for long enough. Throws, when all is done, the first of what
    /// handlers have thrown.
    void advance(time_point now) {
        const typename state::call here{state_};
        here->advance(now, here.let_go());
    }

    /// Gives up all gaps, and delivers all that is held. Throws like advance().
    void flush() {
        const typename state::call here{state_};
        here->flush(here.let_go());
    }

    /// When advance() will have something to give up; empty where nothing is held. A time to set a timer to.
    std::optional<time_point> deadline() const noexcept { return (*state_).deadline(); }

    resequencer_stats stats() const noexcept { return (*state_).stats(); }

private:
    using state = consumer_detail::lingering<resequencer_detail::sequencing<Event>>;
    state state_;
};

}  // namespace tidings
