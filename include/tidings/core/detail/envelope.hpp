/// An event on its way through queues.
#pragma once

#include <tidings/base/block_cache.hpp>
#include <tidings/base/config.hpp>
#include <tidings/base/event_registry.hpp>
#include <tidings/base/sync.hpp>
#include <tidings/core/event_id.hpp>
#include <tidings/core/publish.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <utility>

namespace tidings::detail {

/// What a publisher said of an event, for longer than the call.
struct kept_options {
    explicit kept_options(publish_options&& given)
        : topic{given.topic}, key{given.key}, source{given.source}, options{std::move(given)} {
        options.topic = topic;
        options.key = key;
        options.source = source;
    }
    kept_options(const kept_options&) = delete;
    kept_options& operator=(const kept_options&) = delete;

    /// Throws std::bad_alloc.
    static kept_options* make(publish_options given) {
        void* const memory = base::block_cache::allocate(sizeof(kept_options));
        TIDINGS_TRY { return ::new (memory) kept_options{std::move(given)}; }
        TIDINGS_CATCH_ALL {
            base::block_cache::free(memory, sizeof(kept_options));
            TIDINGS_RETHROW;
        }
    }

    static void free(kept_options* made) noexcept {
        if (made == nullptr) return;
        made->~kept_options();
        base::block_cache::free(made, sizeof(kept_options));
    }

    struct freer {
        void operator()(kept_options* made) const noexcept { free(made); }
    };
    using owner = std::unique_ptr<kept_options, freer>;

    /// Null where no more is given than a correlation and a causation. Throws std::bad_alloc.
    static owner unless_cause_only(publish_options given) {
        const bool more = !given.topic.empty() || !given.key.empty() || !given.source.empty() ||
                          given.id != event_id{} || !given.headers.empty();
        return owner{more ? make(std::move(given)) : nullptr};
    }

    const std::string topic;
    const std::string key;
    const std::string source;
    publish_options options;  ///< its texts are those above
};

/// Counted; made once for all queues that carry the event. What handlers of several threads may ask of it is made once,
/// too.
class envelope {
public:
    using time_point = std::chrono::steady_clock::time_point;

    const void* event() const noexcept { return event_; }
    void* event() noexcept { return event_; }
    const base::event_entry& type() const noexcept { return *type_; }

    /// When it was published, more or less: see time_source::stamp().
    time_point stamp{};

    const publish_options* options() const noexcept { return options_ != nullptr ? &options_->options : nullptr; }

    /// The event's id; the first who asks makes it.
    template <class Make>
    event_id id(Make make) {
        if (progress_.load(std::memory_order_acquire) == made) return id_;
        const event_id fresh = make();
        std::uint32_t expected = none;
        if (progress_.compare_exchange_strong(expected, being_made, std::memory_order_relaxed)) {
            id_ = fresh;
            progress_.store(made, std::memory_order_release);
        } else {
            // Between the two operations above there are two stores.
            while (progress_.load(std::memory_order_acquire) != made) base::cpu_relax();
        }
        return id_;
    }

    /// It will be needed soon, and is on its way from another processor.
    void prefetch() const noexcept {
#if defined(__GNUC__)
        __builtin_prefetch(this);
        __builtin_prefetch(event_address());
#endif
    }

    /// How many may release() it. For who made it, before others know it.
    void share(std::uint32_t owners) noexcept { owners_.store(owners, std::memory_order_relaxed); }

    /// One share more, for who has one.
    void retain() noexcept { owners_.fetch_add(1, std::memory_order_relaxed); }

    bool sole_owner() const noexcept { return owners_.load(std::memory_order_acquire) == 1; }

    /// Ends with its last owner; then the event's destructor runs. No lock may be held.
    static void release(envelope* e, std::uint32_t shares = 1) noexcept {
        if (e->owners_.load(std::memory_order_acquire) == shares ||  // nobody else is there to race with
            e->owners_.fetch_sub(shares, std::memory_order_acq_rel) == shares)
            e->end_(*e);
    }

    /// `said` may be null, and is the envelope's from then on. Throws std::bad_alloc and what E's constructor throws,
    /// and has not taken `said` then.
    template <class E, class... Arguments>
    static envelope* make(const base::event_entry& type, kept_options* said, Arguments&&... arguments) {
        struct whole final : envelope {
            explicit whole(const base::event_entry& t, kept_options* s, Arguments&&... a)
                : envelope{&end, &value, t}, value(std::forward<Arguments>(a)...) {
                options_ = s;
            }
            static void end(envelope& self) noexcept {
                auto& mine = static_cast<whole&>(self);
                mine.~whole();
                base::block_cache::free(&mine, sizeof(whole));
            }
            E value;
        };
        static_assert(alignof(whole) <= static_cast<std::size_t>(base::block_cache::alignment),
                      "tidings: events aligned to more than 64 bytes cannot be queued");
        void* const memory = base::block_cache::allocate(sizeof(whole));
        TIDINGS_TRY { return ::new (memory) whole(type, said, std::forward<Arguments>(arguments)...); }
        TIDINGS_CATCH_ALL {
            base::block_cache::free(memory, sizeof(whole));
            TIDINGS_RETHROW;
        }
    }

    envelope(const envelope&) = delete;
    envelope& operator=(const envelope&) = delete;

private:
    /// Where the event probably is, without looking.
    const void* event_address() const noexcept { return reinterpret_cast<const std::byte*>(this) + sizeof(envelope); }

    using end_function = void (*)(envelope&) noexcept;
    enum : std::uint32_t { none, being_made, made };

    envelope(end_function end, void* event, const base::event_entry& type) noexcept
        : end_{end}, event_{event}, type_{&type} {}
    ~envelope() { kept_options::free(options_); }

    base::atomic<std::uint32_t> owners_{1};
    base::atomic<std::uint32_t> progress_{none};
    const end_function end_;
    void* const event_;
    const base::event_entry* const type_;
    kept_options* options_ = nullptr;
    event_id id_;
};

}  // namespace tidings::detail
