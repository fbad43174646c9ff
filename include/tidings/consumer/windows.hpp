/// Events folded by key and by the time at which they happened.
#pragma once

#include <tidings/base/config.hpp>
#include <tidings/consumer/detail/aggregation.hpp>
#include <tidings/consumer/detail/lingering.hpp>
#include <tidings/consumer/window.hpp>
#include <tidings/consumer/window_functions.hpp>
#include <tidings/consumer/window_kind.hpp>
#include <tidings/consumer/window_options.hpp>
#include <tidings/consumer/window_outcome.hpp>
#include <tidings/consumer/window_stats.hpp>

#include <concepts>
#include <cstddef>
#include <functional>
#include <utility>

namespace tidings {

/// Folds events into windows, by their key and by event time, and hands each window over once, when it is closed.
///
/// A window closes when the watermark has come to its end. The watermark is the largest event time so far, less the
/// allowed lateness, or what advance_to() said; it never goes back. Order: windows close by their end, those of one end
/// in the order in which their keys came, a key being forgotten when it has no open window. What is missed, for being
/// late, too far ahead or too much, is counted and handed over.
///
/// For one thread at a time, as a handler of a subscription is that handles one event at a time; no lock is taken.
/// Handlers of closed windows and missed events may add events, which does not nest: windows that are due then are
/// closed by the call that is under way; they may destroy the aggregator. The fold and merge functions may not add.
/// Adding takes O(log n) in the open windows for each window of the event, and for each that it closes. Allocates where
/// a window opens, and for a key that has none.
/// Source: Akidau et al., The Dataflow Model, VLDB 2015.
template <class Key, class Accumulator, class Event>
class window_aggregator {
    static_assert(
        std::copy_constructible<Key> && std::equality_comparable<Key> && requires(const Key& key) {
            { std::hash<Key>{}(key) } -> std::convertible_to<std::size_t>;
        }, "tidings: the key of a window needs a std::hash, == and a copy");
    static_assert(std::default_initializable<Accumulator>,
                  "tidings: the value of a window begins as Accumulator{}, so that has to be possible");

public:
    /// Throw std::bad_alloc.
    window_aggregator(const aligned_windows& kind, window_functions<Key, Accumulator, Event> functions,
                      const window_options& options = {})
        : state_{std::in_place, kind, std::move(functions), options} {}

    window_aggregator(const session_windows& kind, session_functions<Key, Accumulator, Event> functions,
                      const window_options& options = {})
        : state_{std::in_place, kind, std::move(functions), options} {}

    /// Open windows are discarded: flush() first, if they are wanted. May be called from inside a handler.
    ~window_aggregator() = default;

    window_aggregator(const window_aggregator&) = delete;
    window_aggregator& operator=(const window_aggregator&) = delete;

    /// Closes what is due by the event's time, then puts the event into its windows.
    ///
    /// Throws what the fold or merge function throws, and std::bad_alloc: the event has failed then, and is in none of
    /// the windows that come after the one it failed in; what the function did to that one stays. Else it throws, when
    /// all is done, the first of what handlers have thrown: the event is in its windows then, or was missed, as if they
    /// had not.
    window_outcome add(event_time time, const Key& key, const Event& event) {
        const typename state::call here{state_};
        return here->add(time, key, event, here.let_go());
    }

    /// No event from before `watermark` is waited for, whatever came so far: for a source that is idle, or a start. Of
    /// no effect where the watermark is there already. Throws, when all is done, the first of what handlers have
    /// thrown.
    void advance_to(event_time watermark) {
        const typename state::call here{state_};
        here->advance_to(watermark, here.let_go());
    }

    /// Closes all windows, as advance_to() their last end does.
    void flush() {
        const typename state::call here{state_};
        here->flush(here.let_go());
    }

    event_time watermark() const noexcept { return (*state_).watermark(); }

    window_stats stats() const noexcept { return (*state_).stats(); }

private:
    using state = consumer_detail::lingering<window_detail::aggregation<Key, Accumulator, Event>>;
    state state_;
};

}  // namespace tidings
