/// Random bits from the operating system. Opens no file, unlike std::random_device, whose header is large besides.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#if defined(_WIN32)
#include <stdlib.h>
extern "C" int __cdecl rand_s(unsigned int*);  // declared by <stdlib.h> only where _CRT_RAND_S came first
#elif defined(__APPLE__)
#include <sys/random.h>
#else
#include <unistd.h>
#endif

namespace tidings::base {

/// Not predictable, not reproducible. Where the system has no random source it stops the program: an identity that is
/// not unique would corrupt quietly. The Windows and macOS branches are untested.
inline std::uint64_t entropy() noexcept {
    std::uint64_t bits = 0;
#if defined(_WIN32)
    unsigned int high = 0;
    unsigned int low = 0;
    const bool read = ::rand_s(&high) == 0 && ::rand_s(&low) == 0;
    bits = static_cast<std::uint64_t>(high) << 32 | low;
#else
    const bool read = ::getentropy(&bits, sizeof bits) == 0;
#endif
    if (!read) std::abort();
    return bits;
}

}  // namespace tidings::base
