/// What a request says of the trace it belongs to: the `traceparent` header of the W3C.
#pragma once

#include <tidings/core/context.hpp>
#include <tidings/core/event_id.hpp>
#include <tidings/core/lineage.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tidings {

/// Whether whoever sent it keeps a record of the trace. The other flags of the header are not known to this version of
/// it, and have to be zero.
enum class trace_flags : std::uint8_t { none = 0, sampled = 1 };

/// A trace and a place in it. A value.
///
/// How it maps to ids: the trace id is the correlation, bit for bit. A parent from outside is the id whose high half is
/// zero, which no id of ours has; the parent that an event of ours is to others is the low half of its id.
///
/// Source: W3C, "Trace Context" (Recommendation of 2021), sections 3.2 and 4.
struct traceparent {
    static constexpr std::string_view header_name = "traceparent";

    event_id trace_id{};
    std::uint64_t parent_id = 0;
    trace_flags flags = trace_flags::none;

    /// Reads the header's value, as strictly as the standard says: no spaces, lower case, no id that is zero. Of a
    /// version that is later than ours what is known of it. Else nothing, and then a new trace is to begin. Reads
    /// nothing beyond `text`, whatever stands in it. Allocates nothing. Constant.
    static constexpr std::optional<traceparent> parse(std::string_view text) noexcept;

    /// "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    friend std::string to_string(const traceparent& t) {
        std::string text;
        text.reserve(size);
        const auto append = [&](std::uint64_t value, int nibbles) {
            while (nibbles-- > 0) text += "0123456789abcdef"[value >> (4 * nibbles) & 0xF];
        };
        text += "00-";
        append(t.trace_id.high(), 16);
        append(t.trace_id.low(), 16);
        text += '-';
        append(t.parent_id, 16);
        text += '-';
        append(static_cast<std::uint64_t>(t.flags) & known_flags, 2);
        return text;
    }

    friend bool operator==(const traceparent&, const traceparent&) = default;

private:
    static constexpr std::size_t size = 55;  // of version 00, and at least of each later one
    static constexpr std::uint64_t known_flags = static_cast<std::uint64_t>(trace_flags::sampled);

    static constexpr std::optional<std::uint64_t> hex(std::string_view digits) noexcept {
        std::uint64_t value = 0;
        for (const char c : digits) {
            std::uint64_t digit = 0;
            if (c >= '0' && c <= '9') digit = static_cast<std::uint64_t>(c - '0');
            else if (c >= 'a' && c <= 'f') digit = static_cast<std::uint64_t>(c - 'a') + 10;
            else return std::nullopt;
            value = value << 4 | digit;
        }
        return value;
    }
};

constexpr std::optional<traceparent> traceparent::parse(std::string_view text) noexcept {
    if (text.size() < size) return std::nullopt;
    if (text[2] != '-' || text[35] != '-' || text[52] != '-') return std::nullopt;
    const auto version = hex(text.substr(0, 2));
    const auto high = hex(text.substr(3, 16));
    const auto low = hex(text.substr(19, 16));
    const auto parent = hex(text.substr(36, 16));
    const auto flags = hex(text.substr(53, 2));
    if (!version || !high || !low || !parent || !flags) return std::nullopt;
    if (*version == 0xFF) return std::nullopt;
    if (text.size() > size && (*version == 0 || text[size] != '-')) return std::nullopt;
    if ((*high | *low) == 0 || *parent == 0) return std::nullopt;
    return traceparent{{*high, *low}, *parent, static_cast<trace_flags>(*flags & known_flags)};
}

/// What is published on behalf of a request inherits this; of none, or of one that was malformed, nothing. For
/// with_context().
constexpr lineage lineage_of(const std::optional<traceparent>& from) noexcept {
    if (!from) return {};
    return {.correlation_id = from->trace_id, .causation_id = {0, from->parent_id}};
}

/// What to send with a request that is made on behalf of an event: the same trace, with the event as the parent.
/// Whether it is sampled is `flags`: the library keeps no record of its own, and does not know.
inline traceparent traceparent_of(const context& from, trace_flags flags) {
    const event_id id = from.id();
    return {from.correlation_id(), id.low() != 0 ? id.low() : id.high(), flags};  // zero: an id that its publisher gave
}

/// The same, with the flags of the event's own `traceparent` header if it has one of this trace; else not sampled.
inline traceparent traceparent_of(const context& from) {
    const auto said = traceparent::parse(from.header(traceparent::header_name));
    const bool same = said && said->trace_id == from.correlation_id();
    return traceparent_of(from, same ? said->flags : trace_flags::none);
}

}  // namespace tidings
