/// A message as its queue keeps it.
#pragma once

#include <tidings/base/block_cache.hpp>
#include <tidings/base/config.hpp>
#include <tidings/base/sync.hpp>
#include <tidings/executor/clock.hpp>
#include <tidings/queue/dead_message.hpp>
#include <tidings/queue/priority_order.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidings::work_queue_detail {

using time_point = std::chrono::steady_clock::time_point;
using duration = std::chrono::steady_clock::duration;

/// When `wait` from `now` is, or the last moment there is.
constexpr time_point later(time_point now, duration wait) noexcept {
    if (wait <= duration::zero()) return now;
    return wait < time_point::max() - now ? now + wait : time_point::max();
}

enum class whereabouts : std::uint8_t {
    nowhere,  ///< no queue has it any more
    ready,
    delayed,
    leased,
    dead,
};

/// Why a message failed, so far.
struct failures {
    static constexpr std::size_t longest_error = 1'024;

    /// Null for no text, and without memory.
    static std::unique_ptr<failures> make(std::string_view error) noexcept {
        if (error.empty()) return nullptr;
        TIDINGS_TRY {
            auto made = std::make_unique<failures>();
            made->error = error.substr(0, longest_error);
            return made;
        }
        TIDINGS_CATCH_ALL {}
        return nullptr;
    }

    std::string error{};
    std::vector<dead_message::round> earlier{};
};

class message_list;

/// Of whatever type. It stands in one list or in one heap of its queue, whose lock guards it; the value is constant.
/// Whoever has been given it keeps it, and the value, alive: also one whose lease another has taken over.
struct message : tidings::detail::alarm {
    using destroy_function = void (*)(message*) noexcept;

    explicit message(destroy_function d) noexcept : alarm{nullptr}, destroy{d} {}

    void retain() noexcept { holders.fetch_add(1, std::memory_order_relaxed); }
    /// Calls user code, if it is the last: no lock may be held.
    void release() noexcept {
        if (holders.fetch_sub(1, std::memory_order_acq_rel) == 1) destroy(this);
    }

    const destroy_function destroy;
    message* next = nullptr;
    message_list* fetched_in = nullptr;  ///< leased by workers, and not begun: whose
    std::unique_ptr<failures> past;
    const char* unexplained = "";  ///< the last failure, if `past` has no text for it
    std::uint64_t id = 0;
    std::uint64_t token = 0;  ///< of the lease: a settlement with another one is of a lease that is over
    std::uint64_t turn = 0;   ///< in which it became ready
    time_point pushed{};
    time_point since{};  ///< when it became ready, or dead
    unsigned attempts = 0;
    std::uint8_t level = 0;
    whereabouts where = whereabouts::nowhere;
    bool pulled = false;  ///< leased to a receiver, not to workers
    base::atomic<std::uint32_t> holders{1};

protected:
    ~message() = default;
};

constexpr std::uint8_t level_of(int priority) noexcept {
    const int within = priority < lowest_priority    ? lowest_priority
                       : priority > highest_priority ? highest_priority
                                                     : priority;
    return static_cast<std::uint8_t>(within - lowest_priority);
}
inline std::string_view error_of(const message& m) noexcept {
    return m.past != nullptr && !m.past->error.empty() ? std::string_view{m.past->error} : m.unexplained;
}

constexpr int priority_of(const message& m) noexcept { return int{m.level} + lowest_priority; }

template <class T>
struct message_of final : message {
    static_assert(alignof(T) <= static_cast<std::size_t>(base::block_cache::alignment),
                  "tidings: a message may be aligned to 64 bytes at most");

    /// Throws std::bad_alloc, and what making the value throws.
    template <class Source>
    static message_of& make(Source&& source) {
        void* const block = base::block_cache::allocate(sizeof(message_of));
        message_of* made = nullptr;
        TIDINGS_TRY { made = ::new (block) message_of(std::in_place, std::forward<Source>(source)); }
        TIDINGS_CATCH_ALL {
            base::block_cache::free(block, sizeof(message_of));
            TIDINGS_RETHROW;
        }
        return *made;
    }

    const T value;

private:
    template <class Source>
    message_of(std::in_place_t, Source&& source) : message{&end}, value(std::forward<Source>(source)) {}
    ~message_of() = default;

    static void end(message* self) noexcept {
        auto* const mine = static_cast<message_of*>(self);
        mine->~message_of();
        base::block_cache::free(mine, sizeof(message_of));
    }
};

}  // namespace tidings::work_queue_detail
