/// How events are put back in order.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace tidings {

struct resequencer_options {
    /// The number of the first event. Empty: that of the first to come.
    std::optional<std::uint64_t> first{};

    /// How long an event is held at most for those before it, by the times that the caller gives.
    std::chrono::steady_clock::duration patience = std::chrono::seconds{1};

    /// How many events are held; at least one. One more, and the first gap is given up at once.
    std::size_t capacity = 1'024;

    /// How far a number may be ahead of the largest one so far.
    std::uint64_t longest_jump = 65'536;

    /// Of so many events in a row that are too far ahead, each the next by its number, the last is believed: much has
    /// been lost. 1 believes every number.
    unsigned believed_after = 2;

    /// How many gaps are remembered to tell stragglers from duplicates; at least one.
    std::size_t remembered_gaps = 64;
};

}  // namespace tidings
