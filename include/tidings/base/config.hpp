/// The library's only macros: what the compiler and its flags decide.
#pragma once

#include <cstdlib>

/// `TIDINGS_TRY { … } TIDINGS_CATCH_ALL { … }` is try and catch(...), or nothing where exceptions are off.
#if defined(__cpp_exceptions) || defined(__EXCEPTIONS) || defined(_CPPUNWIND)
#define TIDINGS_HAS_EXCEPTIONS 1
#define TIDINGS_TRY try
#define TIDINGS_CATCH_ALL catch (...)
#define TIDINGS_RETHROW throw
#else
#define TIDINGS_HAS_EXCEPTIONS 0
#define TIDINGS_TRY if constexpr (true)
#define TIDINGS_CATCH_ALL else
#define TIDINGS_RETHROW static_cast<void>(0)
#endif

/// `TIDINGS_THROW(error)` ends the program where exceptions are off.
#if TIDINGS_HAS_EXCEPTIONS
#define TIDINGS_THROW(...) throw __VA_ARGS__
#else
#define TIDINGS_THROW(...) ::std::abort()
#endif

/// ThreadSanitizer does not model fences: the same code then uses sequentially consistent atomics.
#if defined(__SANITIZE_THREAD__)
#define TIDINGS_HAS_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TIDINGS_HAS_TSAN 1
#endif
#endif
#if !defined(TIDINGS_HAS_TSAN)
#define TIDINGS_HAS_TSAN 0
#endif

/// AddressSanitizer finds memory used after its end only if it is given back.
#if defined(__SANITIZE_ADDRESS__)
#define TIDINGS_HAS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TIDINGS_HAS_ASAN 1
#endif
#endif
#if !defined(TIDINGS_HAS_ASAN)
#define TIDINGS_HAS_ASAN 0
#endif

/// Puts a path that counts nanoseconds into its caller.
#if defined(__GNUC__)
#define TIDINGS_INLINE [[gnu::always_inline]] inline
#elif defined(_MSC_VER)
#define TIDINGS_INLINE __forceinline
#else
#define TIDINGS_INLINE inline
#endif

/// Keeps a rarer path out of the code of the common one.
#if defined(__GNUC__)
#define TIDINGS_NOINLINE [[gnu::noinline]]
#define TIDINGS_COLD [[gnu::cold, gnu::noinline]]
#elif defined(_MSC_VER)
#define TIDINGS_NOINLINE __declspec(noinline)
#define TIDINGS_COLD __declspec(noinline)
#else
#define TIDINGS_NOINLINE
#define TIDINGS_COLD
#endif
