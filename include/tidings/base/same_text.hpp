/// Whether two texts are equal, without a call.
#pragma once

#include <tidings/base/config.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace tidings::base {

/// As `a == b`, for short texts that mostly are: eight bytes at a time, the last eight once more.
TIDINGS_INLINE bool same_text(std::string_view a, std::string_view b) noexcept {
    if (a.size() != b.size()) return false;
    const auto eight = [](const char* at) {
        std::uint64_t bytes;
        std::memcpy(&bytes, at, sizeof bytes);
        return bytes;
    };
    const std::size_t size = a.size();
    if (size < 8) {
        for (std::size_t n = 0; n != size; ++n)
            if (a[n] != b[n]) return false;
        return true;
    }
    for (std::size_t n = 0; n < size - 8; n += 8)
        if (eight(a.data() + n) != eight(b.data() + n)) return false;
    return eight(a.data() + size - 8) == eight(b.data() + size - 8);
}

}  // namespace tidings::base
