/// How a consumer handles what it gets.
#pragma once

#include <tidings/consumer/circuit_breaker.hpp>
#include <tidings/consumer/dead_letters.hpp>
#include <tidings/consumer/rate_limit.hpp>
#include <tidings/consumer/recent_ids.hpp>
#include <tidings/consumer/retry_policy.hpp>

#include <chrono>
#include <cstddef>
#include <optional>

namespace tidings {

/// How often an event may take effect. See docs/guarantees.md for what is lost when.
enum class delivery_guarantee {
    at_most_once,      ///< one attempt, and no dead letter
    at_least_once,     ///< tried until it succeeds or is a dead letter
    effectively_once,  ///< the same, and an event whose id is known is left out
};

/// What becomes of later events of a key of which one is dead. For handlers that are ordered_by() a key.
enum class behind_dead {
    go_on,  ///< they are handled
    park,   ///< they become dead letters behind it, and are sent again behind it
};

/// The policy of all handlers of a consumer. It has one meaning, whatever the order in which it is written: an event
/// waits for the breaker to let it pass, then for one of `concurrency` places, then for the rate limit; then its id is
/// looked up; then the handler is called, with the time limit; and then its failure is tried again or given up.
struct consumer_options {
    retry_policy retry{};

    /// Where events go that were given up. Without, they are told to on_error and counted.
    dead_letters_ref dead_letters{};
    behind_dead later_events = behind_dead::go_on;

    /// How long an attempt may take; zero: as long as it likes. When the time is over the stop_token of the handler's
    /// context says so; nobody stops a handler that does not look. Stop callbacks run on a thread of the clock. An
    /// attempt that took longer is counted, and told to on_error; whether it failed is the handler's word.
    std::chrono::nanoseconds time_limit{0};

    /// Stops calling handlers while they keep failing, so that no attempts are spent on what is broken for all.
    /// Permanent failures do not count: they are the event's.
    std::optional<circuit_breaker_options> circuit_breaker{};
    std::optional<tidings::rate_limit> rate_limit{};

    /// How many of its handlers run at the same time, all together; 0: as many as their deliveries allow.
    unsigned concurrency = 0;

    /// How many events a thread takes out of a queue at once; see async_delivery::prefetch().
    std::size_t prefetch = 20;

    delivery_guarantee guarantee = delivery_guarantee::at_least_once;

    /// For effectively_once.
    deduplication duplicates{};
};

}  // namespace tidings
