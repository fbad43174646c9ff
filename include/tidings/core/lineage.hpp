/// Where something comes from, as a value to keep or to hand on.
#pragma once

#include <tidings/core/context.hpp>
#include <tidings/core/event_id.hpp>

namespace tidings {

/// What an event inherits: from the event whose handler publishes it, or from with_context(). Any ids will do, also
/// such as do not sort by time; nil says that there is none.
struct lineage {
    event_id correlation_id{};  ///< what it belongs to
    event_id causation_id{};    ///< what led to it

    /// Takes from `around` what is nil here.
    constexpr void inherit(const lineage& around) noexcept {
        if (correlation_id == event_id{}) correlation_id = around.correlation_id;
        if (causation_id == event_id{}) causation_id = around.causation_id;
    }

    friend bool operator==(const lineage&, const lineage&) = default;
};

/// What the event of `from` leads to inherits this: to go on with it elsewhere, on a thread of your own for instance.
inline lineage lineage_of(const context& from) {
    return {.correlation_id = from.correlation_id(), .causation_id = from.id()};
}

}  // namespace tidings
