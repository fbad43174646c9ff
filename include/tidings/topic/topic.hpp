/// Patterns that events are routed by.
#pragma once

#include <tidings/base/config.hpp>
#include <tidings/base/error.hpp>
#include <tidings/topic/topic_index.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace tidings {

/// A pattern of words with dots between them: `*` is exactly one word, `#` zero or more, as in AMQP 0-9-1 (section
/// 3.1.3.3). A name, which is what an event has, is words alone.
///
/// A value; equal if the texts are. Thread-safe once made.
class topic {
public:
    template <class Value>
    using index = topic_index<Value>;

    static constexpr std::size_t most_bytes = 255;
    static constexpr std::size_t most_words = 32;

    /// Throws tidings::error with errc::invalid_topic where a word is empty, holds `*` or `#` beside other characters,
    /// a control character or a space, or where there are too many bytes or words.
    explicit topic(std::string_view pattern) : text_{checked(pattern)} {
        for (topic_words words{text_}; !words.done(); words.next()) {
            const std::uint64_t bit = std::uint64_t{1} << count_++;
            if (words.word() == "#") many_ |= bit;
            else if (words.word() == "*") any_ |= bit;
        }
    }

    const std::string& text() const noexcept { return text_; }

    /// Whether an event of that name goes to who subscribed to this pattern. A name that no event can have, because a
    /// word is empty, fits none. Allocates nothing; the words of the name times those of the pattern, at most: the
    /// states of the pattern's automaton are kept in one word (K. Thompson, "Regular expression search algorithm",
    /// 1968).
    bool matches(std::string_view name) const noexcept {
        std::uint64_t at = closure(1);  // bit n: the first n words of the pattern have fit so far
        for (topic_words words{name}; !words.done(); words.next()) {
            if (words.word().empty()) return false;
            const std::uint64_t stays = at & many_;
            const std::uint64_t goes_on = (at & (any_ | equal_to(words.word(), at & ~(any_ | many_)))) << 1;
            at = closure(stays | goes_on);
            if (at == 0) return false;
        }
        return (at >> count_ & 1) != 0;
    }

    friend bool operator==(const topic& a, const topic& b) noexcept { return a.text_ == b.text_; }

    /// Whether it is a name: words alone, within the limits.
    static bool is_name(std::string_view text) noexcept {
        return is_sound(text) && text.find_first_of("*#") == std::string_view::npos;
    }

private:
    static std::string checked(std::string_view text) {
        if (!is_sound(text)) TIDINGS_THROW(error{errc::invalid_topic, "tidings: topic"});
        return std::string{text};
    }

    static bool is_sound(std::string_view text) noexcept {
        if (text.empty() || text.size() > most_bytes) return false;
        std::size_t count = 0;
        for (topic_words words{text}; !words.done(); words.next()) {
            const std::string_view word = words.word();
            if (word.empty() || ++count > most_words) return false;
            for (const char c : word) {
                if (static_cast<unsigned char>(c) <= ' ' || c == '\x7f') return false;
                if ((c == '*' || c == '#') && word.size() != 1) return false;
            }
        }
        return true;
    }

    /// With the places that a `#` lets be reached without a word.
    std::uint64_t closure(std::uint64_t at) const noexcept {
        for (std::uint64_t more = (at & many_) << 1; (more & ~at) != 0; more = (at & many_) << 1) at |= more;
        return at;
    }

    /// Which of these words of the pattern are `word`.
    std::uint64_t equal_to(std::string_view word, std::uint64_t of) const noexcept {
        std::uint64_t found = 0;
        std::uint64_t bit = 1;
        for (topic_words words{text_}; bit <= of && !words.done(); words.next(), bit <<= 1)
            if ((of & bit) != 0 && words.word() == word) found |= bit;
        return found;
    }

    std::string text_;
    std::uint64_t many_ = 0;  // bit n: the word of that number is a `#`
    std::uint64_t any_ = 0;   // … a `*`
    unsigned count_ = 0;
};

}  // namespace tidings
