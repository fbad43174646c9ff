// How things are printed.
#pragma once

#include <algorithm>
#include <cstddef>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace webhooks {

// Text from strangers, made fit for a terminal: on one line, of bounded length, and no escape sequences.
inline std::string printable(std::string_view text) {
    constexpr std::size_t longest = 80;
    std::size_t end = std::min(text.size(), longest);
    while (end > 0 && end < text.size() && (text[end] & 0xC0) == 0x80) --end;  // no half UTF-8
    std::string result{text.substr(0, end)};
    std::ranges::replace_if(
        result, [](unsigned char c) { return c < 0x20 || c == 0x7F; }, '?');
    return end < text.size() ? result + "..." : result;
}

inline void print(std::ostream& out, std::string_view title, const std::vector<std::string>& entries) {
    out << title << '\n';
    for (const std::string& entry : entries) out << "  " << entry << '\n';
    out << (entries.empty() ? "  none\n\n" : "\n");
}

}  // namespace webhooks
