/// An event of any type, for a handler that subscribed to topics.
#pragma once

#include <tidings/base/event_registry.hpp>
#include <tidings/base/publisher.hpp>
#include <tidings/core/context.hpp>
#include <tidings/core/event.hpp>

#include <concepts>
#include <string_view>

namespace tidings {

/// A view of the event under way, for a handler that takes it as its first parameter. Valid until the handler returns.
class any_event {
public:
    any_event(const any_event&) = delete;
    any_event& operator=(const any_event&) = delete;

    /// The event, if it is an E; else null.
    template <event E>
    const E* get_if() const noexcept {
        return type_->traits == detail::event_identity<E>::traits() ? static_cast<const E*>(event_) : nullptr;
    }

    /// What the event's type is called, and its topic: the same unless its publisher gave another.
    std::string_view type() const noexcept { return type_->event; }
    std::string_view topic() const noexcept { return context{*frame_}.topic(); }

    /// For the library: the event of `frame`.
    any_event(const void* event, base::slot& frame) noexcept
        : type_{&context::type_of(frame)}, event_{event}, frame_{&frame} {}

private:
    const base::event_entry* type_;
    const void* event_;
    base::slot* frame_;
};

namespace detail {

/// The event as handlers of `E` take it.
template <class E>
const E& seen_as(const void* event, base::slot&) noexcept {
    return *static_cast<const E*>(event);
}
template <std::same_as<any_event> E>
any_event seen_as(const void* event, base::slot& frame) noexcept {
    return {event, frame};
}

}  // namespace detail
}  // namespace tidings
