/// What debuggers call a thread.
#pragma once

#include <cstddef>
#include <cstdio>
#include <cstring>
#include <string>

#if defined(__linux__)
#include <pthread.h>
#endif

namespace tidings::detail {

/// "name-1", shortened in the name to what the system has room for. Where threads cannot be named it does nothing.
inline void name_this_thread([[maybe_unused]] const std::string& name, [[maybe_unused]] unsigned number) noexcept {
#if defined(__linux__)
    constexpr std::size_t room = 15;
    char suffix[room];
    const auto digits = static_cast<std::size_t>(std::snprintf(suffix, sizeof suffix, "-%u", number));
    char text[room + 1] = {};
    const std::size_t kept = name.size() < room - digits ? name.size() : room - digits;
    std::memcpy(text, name.data(), kept);  // NOLINT(bugprone-not-null-terminated-result): text is all zeros
    std::memcpy(text + kept, suffix, digits);
    static_cast<void>(::pthread_setname_np(::pthread_self(), text));
#endif
}

}  // namespace tidings::detail
