/// What is done with the events and windows of an aggregator.
#pragma once

#include <tidings/base/function.hpp>
#include <tidings/consumer/detail/required.hpp>
#include <tidings/consumer/window.hpp>
#include <tidings/consumer/window_outcome.hpp>

namespace tidings {

/// For windows that are the same for all keys.
template <class Key, class Accumulator, class Event>
struct window_functions {
    /// (value, event): adds an event to the value of a window, which begins as `Accumulator{}`.
    consumer_detail::required<base::shared_function<void(Accumulator&, const Event&)>> fold;

    /// (window): gets each window once, when it is closed, and may move from it.
    consumer_detail::required<base::shared_function<void(window<Key, Accumulator>&&)>> closed;

    /// (missed_event): gets each event that is in no window. They are counted without, too.
    base::shared_function<void(const missed_event<Key, Event>&)> missed{};
};

/// For sessions.
template <class Key, class Accumulator, class Event>
struct session_functions {
    consumer_detail::required<base::shared_function<void(Accumulator&, const Event&)>> fold;

    /// (earlier, later): adds the value of a session to that of the one before, where an event has joined the two.
    consumer_detail::required<base::shared_function<void(Accumulator&, Accumulator&&)>> merge;

    consumer_detail::required<base::shared_function<void(window<Key, Accumulator>&&)>> closed;
    base::shared_function<void(const missed_event<Key, Event>&)> missed{};
};

}  // namespace tidings
