/// What is done with the events of a resequencer.
#pragma once

#include <tidings/base/function.hpp>
#include <tidings/consumer/detail/required.hpp>
#include <tidings/consumer/sequence_gap.hpp>
#include <tidings/consumer/sequence_outcome.hpp>

#include <cstdint>

namespace tidings {

template <class Event>
struct resequencer_functions {
    /// (sequence, event): gets the events in the order of their numbers, each number once, and may move from them.
    consumer_detail::required<base::shared_function<void(std::uint64_t, Event&&)>> deliver;

    /// (sequence_gap): is told of numbers that are given up, before it goes on behind them.
    base::shared_function<void(const sequence_gap&)> gap{};

    /// (stray_event): gets each event that is not delivered. They are counted without, too.
    base::shared_function<void(const stray_event<Event>&)> stray{};
};

}  // namespace tidings
