/// How deep JSON is nested, before anything is made of it.
#pragma once

#include <cstddef>
#include <string_view>

namespace tidings::schema_detail {

/// Whether no more than `limit` arrays and objects are open at a time; of text that is no JSON, as far as one can say
/// so. Linear; allocates nothing.
constexpr bool is_nested_within(std::string_view text, std::size_t limit) noexcept {
    std::size_t depth = 0;
    bool in_string = false;
    for (std::size_t n = 0; n < text.size(); ++n) {
        switch (text[n]) {
            case '"':
                in_string = !in_string;
                break;
            case '\\':
                if (in_string) ++n;
                break;
            case '[':
            case '{':
                if (!in_string && ++depth > limit) return false;
                break;
            case ']':
            case '}':
                if (!in_string && depth != 0) --depth;
                break;
            default:
                break;
        }
    }
    return true;
}

}  // namespace tidings::schema_detail
