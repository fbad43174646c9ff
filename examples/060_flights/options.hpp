// The command line, and whether somebody looks on.
#pragma once

#include <charconv>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#if defined(_WIN32)
#include <io.h>
#else
#include <unistd.h>
#endif

namespace flights {

struct options {
    std::string file = FLIGHTS_SAMPLE;
    unsigned speed_up = 0;  // how many times as fast as life; 0: without waiting
};

inline constexpr const char* usage =
    "usage: flights [FILE] [--speed-up N]\n"
    "FILE holds one flight a line, as JSON; without it, a small sample is replayed.\n"
    "N: this many times as fast as life; without it, as fast as possible.\n";

// None: not understood.
inline std::optional<options> options_of(int argc, char** argv) {
    options result;
    bool has_file = false;
    for (int n = 1; n < argc; ++n) {
        const std::string_view word = argv[n];
        if (word == "--speed-up" && n + 1 < argc) {
            const char* const text = argv[++n];
            const char* const end = text + std::strlen(text);
            const auto [stopped, error] = std::from_chars(text, end, result.speed_up);
            if (error != std::errc{} || stopped != end || result.speed_up == 0) return std::nullopt;
        } else if (!word.starts_with('-') && !has_file) {
            result.file = word;
            has_file = true;
        } else {
            return std::nullopt;
        }
    }
    return result;
}

// Of the standard error stream.
inline bool is_terminal() {
#if defined(_WIN32)
    return _isatty(2) != 0;
#else
    return isatty(STDERR_FILENO) == 1;
#endif
}

}  // namespace flights
