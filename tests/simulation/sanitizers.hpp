/// What AddressSanitizer and ThreadSanitizer have to be told about fibers; nothing where they are off.
#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define TIDINGS_SIMULATION_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TIDINGS_SIMULATION_ASAN 1
#endif
#endif
#if !defined(TIDINGS_SIMULATION_ASAN)
#define TIDINGS_SIMULATION_ASAN 0
#endif

#if defined(__SANITIZE_THREAD__)
#define TIDINGS_SIMULATION_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TIDINGS_SIMULATION_TSAN 1
#endif
#endif
#if !defined(TIDINGS_SIMULATION_TSAN)
#define TIDINGS_SIMULATION_TSAN 0
#endif

#if TIDINGS_SIMULATION_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>

#include <cstdint>
#include <vector>
#elif TIDINGS_SIMULATION_TSAN
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/tsan_interface.h>
#endif

namespace tidings::simulation {

/// What the sanitizers know a stack by. The default constructor is for the stack that is running, the other for one
/// of its own.
#if TIDINGS_SIMULATION_ASAN

class sanitized_stack {
public:
    sanitized_stack() noexcept = default;
    sanitized_stack(const void* low, std::size_t size) noexcept : low_{low}, size_{size} {
        ::__asan_unpoison_memory_region(low, size);  // a stack that was abandoned may have stood here
    }
    sanitized_stack(const sanitized_stack&) = delete;
    sanitized_stack& operator=(const sanitized_stack&) = delete;

    /// Directly before a switch from one stack to another.
    static void before_switch(sanitized_stack& leave, const sanitized_stack& enter) noexcept {
        left_ = &leave;
        ::__sanitizer_start_switch_fiber(&leave.fake_stack_, enter.low_, enter.size_);
    }

    /// Directly after a switch, on the stack that was entered.
    static void after_switch(sanitized_stack& entered) noexcept {
        // How large the thread's own stack is, only this call says.
        ::__sanitizer_finish_switch_fiber(entered.fake_stack_, &left_->low_, &left_->size_);
    }

    /// The stack, in use from `used` on, will never run again and is about to go, but what it points to is not to be
    /// reported as leaked: its words are copied to where LeakSanitizer sees them. (To register each stack as a root
    /// has it read the process's list of mappings once for each.)
    void keep_reachable(const void* used) const {
        const std::vector<std::uintptr_t> words = keep(used, static_cast<const char*>(low_) + size_);
        // Variables whose use after return is to be detected are elsewhere, in frames that the stack points to.
        const void* last = nullptr;
        for (const std::uintptr_t word : words) {
            void* begin = nullptr;
            void* end = nullptr;
            if (fake_stack_ == nullptr ||
                ::__asan_addr_is_in_fake_stack(fake_stack_, reinterpret_cast<void*>(word), &begin, &end) == nullptr)
                continue;
            if (begin != last) keep(begin, end);
            last = begin;
        }
    }

private:
    /// Reads what is poisoned, too: hence word by word, so that no checked memcpy() comes of it.
    [[gnu::no_sanitize_address]] static const std::vector<std::uintptr_t>& keep(const void* begin, const void* end) {
        static auto& all = *new std::vector<std::vector<std::uintptr_t>>;
        auto& kept = all.emplace_back();
        const auto* const last = static_cast<const volatile std::uintptr_t*>(end);
        for (auto* word = static_cast<const volatile std::uintptr_t*>(begin); word != last; ++word) {
            const std::uintptr_t value = *word;
            kept.push_back(value);
        }
        return kept;
    }

    static inline constinit sanitized_stack* left_ = nullptr;

    const void* low_ = nullptr;
    std::size_t size_ = 0;
    void* fake_stack_ = nullptr;
};

#elif TIDINGS_SIMULATION_TSAN

class sanitized_stack {
public:
    sanitized_stack() noexcept : thread_{::__tsan_get_current_fiber()} {}
    sanitized_stack(const void*, std::size_t) noexcept : thread_{::__tsan_create_fiber(0)}, owns_thread_{true} {}
    ~sanitized_stack() {
        if (owns_thread_) ::__tsan_destroy_fiber(thread_);
    }
    sanitized_stack(const sanitized_stack&) = delete;
    sanitized_stack& operator=(const sanitized_stack&) = delete;

    static void before_switch(const sanitized_stack&, const sanitized_stack& enter) noexcept {
        // Without the flag that says otherwise a switch orders what was done before it: the fibers share one
        // thread, and no data race between them is to be reported.
        ::__tsan_switch_to_fiber(enter.thread_, 0);
    }
    static void after_switch(const sanitized_stack&) noexcept {}
    void keep_reachable(const void*) const noexcept {}

private:
    void* thread_;
    bool owns_thread_ = false;
};

#else

class sanitized_stack {
public:
    sanitized_stack() noexcept = default;
    sanitized_stack(const void*, std::size_t) noexcept {}
    sanitized_stack(const sanitized_stack&) = delete;
    sanitized_stack& operator=(const sanitized_stack&) = delete;

    static void before_switch(const sanitized_stack&, const sanitized_stack&) noexcept {}
    static void after_switch(const sanitized_stack&) noexcept {}
    void keep_reachable(const void*) const noexcept {}
};

#endif

}  // namespace tidings::simulation
