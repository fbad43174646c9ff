/// What an event is: a value of a type of its own.
#pragma once

#include <tidings/base/domain.hpp>
#include <tidings/base/event_registry.hpp>
#include <tidings/base/sync.hpp>
#include <tidings/base/type_name.hpp>

#include <atomic>
#include <cstdint>
#include <string_view>
#include <type_traits>

namespace tidings {

/// A type whose values can be published: any object type, copyable or not, that is no pointer, array, const or
/// volatile.
template <class E>
concept event = std::is_object_v<E> && !std::is_pointer_v<E> && !std::is_array_v<E> && !std::is_const_v<E> &&
                !std::is_volatile_v<E> && !std::is_same_v<E, std::nullptr_t>;

/// A list of event types: `using listens_to = tidings::events<order_placed, payment_failed>;`
template <event... E>
struct events {};

/// An event type that names itself: `static constexpr std::string_view event_type = "order.placed";`
template <class E>
concept named_event = requires {
    { E::event_type } -> std::convertible_to<std::string_view>;
};

/// What the event type is called: its `event_type`, or else the compiler's name for it, which serves inside one
/// process only.
template <event E>
constexpr std::string_view event_name() noexcept {
    if constexpr (named_event<E>) return E::event_type;
    else return base::type_name<E>();
}

namespace detail {

/// What this shared library knows of an event type.
template <class E>  // not `event`: require_event() has the better words
class event_identity {
public:
    /// The type's number in the domain of this library, or 0 before find() was called.
    static std::uint32_t cached() noexcept { return cached_.load(std::memory_order_relaxed); }

    /// The same if buses keep types of that number at hand; else 0, which no type has.
    static std::uint32_t cached_near() noexcept { return cached_near_.load(std::memory_order_relaxed); }
    static constexpr std::uint32_t near_numbers = 256;

    /// The same as find(), without a lock from the second time on, if `home` is the domain of this library.
    static const base::event_entry& find_again(base::domain& home) {
        const base::event_entry* const known = entry_.load(std::memory_order_acquire);
        return known != nullptr && &home == &base::domain::here() ? *known : find(home);
    }

    static base::event_traits traits() noexcept {
        return {base::type_name<E>(), event_name<E>(), sizeof(E), alignof(E), &cached_};
    }

    /// The type's entry in `home`. Throws std::bad_alloc. Takes a lock.
    static const base::event_entry& find(base::domain& home) {
        const base::event_entry& entry = home.events().find_or_add(traits());
        if (&home == &base::domain::here()) {
            entry_.store(&entry, std::memory_order_release);
            cached_.store(entry.index, std::memory_order_relaxed);
            if (entry.index < near_numbers) cached_near_.store(entry.index, std::memory_order_relaxed);
        }
        return entry;
    }

private:
    static inline constinit base::atomic<std::uint32_t> cached_{0};
    static inline constinit base::atomic<std::uint32_t> cached_near_{0};
    static inline constinit base::atomic<const base::event_entry*> entry_{nullptr};
};

/// Refuses what is no event, in words for its author.
template <class E>
constexpr void require_event() noexcept {
    static_assert(!std::is_reference_v<E>, "tidings: an event type is not a reference; name the type itself");
    static_assert(!std::is_pointer_v<E>,
                  "tidings: an event is not a pointer; publish the object, or a struct that holds the pointer");
    static_assert(!std::is_const_v<E> && !std::is_volatile_v<E>,
                  "tidings: an event type is not const or volatile; handlers receive a const reference anyway");
    static_assert(!std::is_array_v<E>,
                  "tidings: an event is not an array or a string literal; publish a struct that holds it");
    static_assert(event<E> || std::is_reference_v<E> || std::is_pointer_v<E> || std::is_const_v<E> ||
                      std::is_volatile_v<E> || std::is_array_v<E>,
                  "tidings: an event type is an object type: a struct, class, union, enum or number");
}

}  // namespace detail
}  // namespace tidings
