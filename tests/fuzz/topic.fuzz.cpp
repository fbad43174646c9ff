// topic and topic_index against the definition, on what a fuzzer makes up: a pattern, a line's end, a name.
#include <tidings/topic/topic.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace {

std::vector<std::string> words_of(std::string_view text) {
    std::vector<std::string> words;
    for (tidings::topic_words each{text}; !each.done(); each.next()) words.emplace_back(each.word());
    return words;
}

/// fits[p][n]: the pattern from its p-th word on fits the name from its n-th on.
bool fits(const std::vector<std::string>& pattern, const std::vector<std::string>& name) {
    std::vector<std::vector<bool>> table(pattern.size() + 1, std::vector<bool>(name.size() + 1));
    for (std::size_t p = pattern.size() + 1; p-- > 0;) {
        for (std::size_t n = name.size() + 1; n-- > 0;) {
            if (p == pattern.size()) table[p][n] = n == name.size();
            else if (pattern[p] == "#") table[p][n] = table[p + 1][n] || (n != name.size() && table[p][n + 1]);
            else table[p][n] = n != name.size() && (pattern[p] == "*" || pattern[p] == name[n]) && table[p + 1][n + 1];
        }
    }
    return table[0][0];
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return 0;
    const std::string_view name = text.substr(end + 1);
    try {
        const tidings::topic pattern{text.substr(0, end)};
        const bool sound = tidings::topic::is_name(name);
        const bool found = pattern.matches(name);
        if (sound && found != fits(words_of(pattern.text()), words_of(name))) std::abort();
        if (!sound) return 0;
        tidings::topic_index<int> index;
        index.add(pattern.text(), 1);
        int count = 0;
        index.match(name, [&](int) { ++count; });
        if (count != (found ? 1 : 0)) std::abort();
        if (!index.remove(pattern.text(), 1) || index.places() != 0) std::abort();
    } catch (const tidings::error& e) {
        if (e.code() != tidings::errc::invalid_topic) std::abort();
    }
    return 0;
}
