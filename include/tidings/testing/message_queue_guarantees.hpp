/// What a queue for competing consumers promises.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace tidings::testing {

enum class promised : std::uint8_t { no, yes };

/// What is left open by message_queue. That a message goes to one receiver at a time, that leases end, that a late
/// settlement is refused, that attempts are counted and the last one ends among the dead letters, and that the account
/// adds up, is promised by all.
struct message_queue_guarantees {
    promised order = promised::yes;            ///< first in, first out within one priority
    promised priorities = promised::yes;       ///< higher first
    promised fair_priorities = promised::yes;  ///< priority_order::fair
    promised redrive = promised::yes;          ///< and the history in dead_message::earlier
    promised dead_letter_bound = promised::yes;
    promised close = promised::yes;

    // Which overflow policies it has. `block` is checked on simulated time: it has to wait the library's way.
    promised block = promised::yes;
    promised reject = promised::yes;
    promised drop_oldest = promised::yes;
    promised drop_newest = promised::yes;

    std::size_t largest_message = std::size_t{1} << 20;  ///< bytes
    std::size_t error_text = 1'024;                      ///< bytes that are kept of it

    /// Within this a delay, or a lease, is over after its end. It never is before.
    std::chrono::steady_clock::duration resolution{1};
};

}  // namespace tidings::testing
