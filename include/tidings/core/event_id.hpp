/// The identity of one published event: a UUID that sorts by time.
#pragma once

#include <tidings/base/entropy.hpp>
#include <tidings/base/fork.hpp>

#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tidings {

/// A UUID. The default one is nil and identifies nothing. Ids made by next() are of version 7 (RFC 9562): 48 bits
/// of Unix time in milliseconds, then 74 random bits that only grow within a millisecond.
class event_id {
public:
    constexpr event_id() noexcept = default;
    constexpr event_id(std::uint64_t high, std::uint64_t low) noexcept : high_{high}, low_{low} {}

    /// A new id, larger than every one this thread made before, also when the clock is set back. Unique across
    /// threads, processes and fork() by its random bits, which are not secret. Reads the clock; a thread's first call
    /// asks the system for random bits. Allocates nothing.
    static event_id next() noexcept;

    /// Reads the 36 characters that to_string() writes, in either case; nothing else.
    static constexpr std::optional<event_id> parse(std::string_view text) noexcept;

    constexpr std::uint64_t high() const noexcept { return high_; }  ///< the first eight bytes
    constexpr std::uint64_t low() const noexcept { return low_; }    ///< the last eight

    friend constexpr auto operator<=>(const event_id&,
                                      const event_id&) noexcept = default;  // NOLINT(modernize-use-nullptr)

    /// "0190a6f2-7d3c-7a51-9b1e-3f0c5d2e8a47"
    friend std::string to_string(const event_id& id) {
        constexpr std::string_view digits = "0123456789abcdef";
        std::string text(text_size, '-');
        std::size_t at = 0;
        for (int nibble = 0; nibble < 32; ++nibble) {
            if (is_dash(at)) ++at;
            const std::uint64_t half = nibble < 16 ? id.high_ : id.low_;
            text[at++] = digits[(half >> (60 - 4 * (nibble % 16))) & 0xF];
        }
        return text;
    }

private:
    static constexpr std::size_t text_size = 36;
    static constexpr bool is_dash(std::size_t at) noexcept { return at == 8 || at == 13 || at == 18 || at == 23; }

    std::uint64_t high_ = 0;
    std::uint64_t low_ = 0;
};

constexpr std::optional<event_id> event_id::parse(std::string_view text) noexcept {
    if (text.size() != text_size) return std::nullopt;
    std::uint64_t halves[2] = {0, 0};
    int nibble = 0;
    for (std::size_t at = 0; at < text_size; ++at) {
        const char c = text[at];
        if (is_dash(at)) {
            if (c != '-') return std::nullopt;
            continue;
        }
        int value = 0;
        if (c >= '0' && c <= '9') value = c - '0';
        else if (c >= 'a' && c <= 'f') value = c - 'a' + 10;
        else if (c >= 'A' && c <= 'F') value = c - 'A' + 10;
        else return std::nullopt;
        std::uint64_t& half = halves[nibble++ / 16];
        half = half << 4 | static_cast<std::uint64_t>(value);
    }
    return event_id{halves[0], halves[1]};
}

namespace detail {

/// Makes ids that grow, from a clock and random bits.
///
/// Source: RFC 9562, section 6.2, method 2 (monotonic random) and section 5.7 (layout).
class event_id_sequence {
public:
    explicit event_id_sequence(std::uint64_t seed) noexcept : random_{seed} {}

    event_id next(std::uint64_t unix_milliseconds) noexcept {
        if (unix_milliseconds > milliseconds_) {
            milliseconds_ = unix_milliseconds;
            // The top bit stays clear, so that a millisecond has room to grow in.
            tail_high_ = random() & 0x7FF;
            tail_low_ = random() & low_mask;
        } else {
            const std::uint64_t step = (random() & 0xFFFF'FFFF) + 1;
            tail_low_ += step;
            if (tail_low_ > low_mask) {
                tail_low_ &= low_mask;
                if (++tail_high_ > 0xFFF) {
                    tail_high_ = 0;
                    ++milliseconds_;
                }
            }
        }
        return {milliseconds_ << 16 | 0x7000U | tail_high_, 0x8000'0000'0000'0000U | tail_low_};
    }

private:
    static constexpr std::uint64_t low_mask = 0x3FFF'FFFF'FFFF'FFFFU;

    /// SplitMix64 (Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", 2014).
    std::uint64_t random() noexcept {
        std::uint64_t z = random_ += 0x9E37'79B9'7F4A'7C15U;
        z = (z ^ z >> 30) * 0xBF58'476D'1CE4'E5B9U;
        z = (z ^ z >> 27) * 0x94D0'49BB'1331'11EBU;
        return z ^ z >> 31;
    }

    std::uint64_t random_;
    std::uint64_t milliseconds_ = 0;
    std::uint64_t tail_high_ = 0;  // 12 bits
    std::uint64_t tail_low_ = 0;   // 62 bits
};

}  // namespace detail

inline event_id event_id::next() noexcept {
    struct generator {
        std::uint64_t forks = base::fork_count();
        detail::event_id_sequence sequence{base::entropy()};
    };
    thread_local generator mine;
    if (mine.forks != base::fork_count()) [[unlikely]]
        mine = generator{};
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return mine.sequence.next(
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count()));
}

}  // namespace tidings

template <>
struct std::hash<tidings::event_id> {
    std::size_t operator()(const tidings::event_id& id) const noexcept {
        // The low half is random but for the steps within a millisecond, which the multiplication spreads.
        return static_cast<std::size_t>((id.high() ^ id.low()) * 0x9E37'79B9'7F4A'7C15U);
    }
};
