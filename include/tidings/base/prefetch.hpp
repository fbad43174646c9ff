/// Hints for memory that another processor has.
#pragma once

namespace tidings::base {

/// It will be read soon.
inline void prefetch_to_read([[maybe_unused]] const void* place) noexcept {
#if defined(__GNUC__)
    __builtin_prefetch(place);
#endif
}

/// It will be written soon. Not with the builtin on x86: unless the compiler is told of the processor, it asks for a
/// copy to read, and the first store has to wait once more, until the other processor has given up its own. What knows
/// no prefetchw takes it for a no-op (all of 64 bits do).
inline void prefetch_to_write([[maybe_unused]] const void* place) noexcept {
#if defined(__x86_64__) && defined(__GNUC__)
    asm volatile("prefetchw %0" : : "m"(*static_cast<const char*>(place)));
#elif defined(__GNUC__)
    __builtin_prefetch(place, 1);
#endif
}

}  // namespace tidings::base
