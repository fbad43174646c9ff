#include <tidings/topic/topic.hpp>

#include "support/catch.hpp"
#include "support/seed.hpp"

#include <cstddef>
#include <initializer_list>
#include <random>
#include <string>
#include <string_view>
#include <vector>

using tidings::topic;

namespace {

std::vector<std::string> words_of(std::string_view text) {
    std::vector<std::string> words;
    for (tidings::topic_words each{text}; !each.done(); each.next()) words.emplace_back(each.word());
    return words;
}

/// What AMQP says, word by word.
bool fits(const std::vector<std::string>& pattern, std::size_t p, const std::vector<std::string>& name, std::size_t n) {
    if (p == pattern.size()) return n == name.size();
    if (pattern[p] == "#") return fits(pattern, p + 1, name, n) || (n != name.size() && fits(pattern, p, name, n + 1));
    return n != name.size() && (pattern[p] == "*" || pattern[p] == name[n]) && fits(pattern, p + 1, name, n + 1);
}

bool is_refused(std::string_view pattern) {
    try {
        static_cast<void>(topic{pattern});
        return false;
    } catch (const tidings::error& e) {
        return e.code() == tidings::errc::invalid_topic;
    }
}

std::string repeated(std::string_view word, std::size_t count) {
    std::string all{word};
    for (std::size_t n = 1; n < count; ++n) all.append(".").append(word);
    return all;
}

}  // namespace

TEST_CASE("a star is one word, a hash is zero or more") {
    CHECK(topic{"order.*"}.matches("order.placed"));
    CHECK_FALSE(topic{"order.*"}.matches("order"));
    CHECK_FALSE(topic{"order.*"}.matches("order.a.b"));
    CHECK(topic{"order.#"}.matches("order"));
    CHECK(topic{"order.#"}.matches("order.a.b"));
    CHECK(topic{"#.placed"}.matches("placed"));
    CHECK(topic{"*.#.*"}.matches("a.b"));
    CHECK_FALSE(topic{"*.#.*"}.matches("a"));
    CHECK(topic{"#"}.matches("a.b.c"));
    CHECK(topic{"#.#"}.matches("a"));
    CHECK_FALSE(topic{"order.placed"}.matches("order.placedx"));
    CHECK_FALSE(topic{"order.placed"}.matches("order.place"));
}

TEST_CASE("malformed patterns are refused, and limits are kept to") {
    for (const char* bad : {"", ".", "a..b", ".a", "a.", "a.b*", "#a", "a b", "a\n", "a.\x7f", "a.**"}) {
        CAPTURE(bad);
        CHECK(is_refused(bad));
        CHECK_FALSE(topic::is_name(bad));
    }
    CHECK_FALSE(is_refused(repeated("a", topic::most_words)));
    CHECK(is_refused(repeated("a", topic::most_words + 1)));
    CHECK_FALSE(is_refused(std::string(topic::most_bytes, 'a')));
    CHECK(is_refused(std::string(topic::most_bytes + 1, 'a')));
    CHECK(is_refused(std::string_view{"a\0b", 3}));
    CHECK(topic::is_name("order.placed"));
    CHECK(topic::is_name("\xc3\xa9t\xc3\xa9.1"));
    CHECK_FALSE(topic::is_name("order.*"));
    CHECK_FALSE(topic::is_name("#"));
}

TEST_CASE("a name with an empty word fits nothing") {
    for (const char* bad : {"", "a..b", "a.", ".a"}) CHECK_FALSE(topic{"#"}.matches(bad));
}

TEST_CASE("no name takes exponential time") {
    // A matcher that tries one way after another looks at more ways here than there are atoms.
    CHECK_FALSE(topic{"#.a.#.a.#.a.#.a.#.a.#.a.#.a.#.b"}.matches(repeated("a", 200)));
    CHECK(topic{"#.a.#.a.#.b"}.matches(repeated("a", 200) + ".b"));
}

TEST_CASE("a pattern fits what the definition says") {
    std::mt19937_64 random{support::fresh_seed("topic")};
    const auto make = [&](std::size_t longest, std::initializer_list<const char*> from) {
        std::string text;
        const std::size_t count = 1 + random() % longest;
        for (std::size_t n = 0; n < count; ++n) {
            if (n != 0) text += '.';
            text += *(from.begin() + random() % from.size());
        }
        return text;
    };
    for (int round = 0; round < 20'000; ++round) {
        const std::string pattern = make(7, {"a", "b", "*", "#"});
        const std::string name = make(8, {"a", "b", "c"});
        const bool expected = fits(words_of(pattern), 0, words_of(name), 0);
        if (topic{pattern}.matches(name) == expected) continue;
        CAPTURE(pattern, name);
        CHECK(topic{pattern}.matches(name) == expected);
    }
}
