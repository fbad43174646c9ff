/// An event for longer than a handler runs.
#pragma once

#include <tidings/core/any_event.hpp>
#include <tidings/core/context.hpp>
#include <tidings/core/detail/envelope.hpp>
#include <tidings/core/event.hpp>
#include <tidings/core/event_id.hpp>
#include <tidings/core/publish.hpp>

#include <chrono>
#include <span>
#include <string_view>
#include <utility>

namespace tidings {

/// A share of an event that came out of a queue, with what its publisher said of it. Copies share the event, which
/// lives as long as one of them: its destructor runs where the last of them ends.
///
/// Thread-safe as a shared_ptr is. Copying and moving neither throw nor allocate.
class kept_event {
public:
    /// Of nothing.
    kept_event() noexcept = default;

    kept_event(const kept_event& other) noexcept : event_{other.event_}, id_{other.id_} {
        if (event_ != nullptr) event_->retain();
    }
    kept_event(kept_event&& other) noexcept : event_{std::exchange(other.event_, nullptr)}, id_{other.id_} {}
    kept_event& operator=(kept_event other) noexcept {
        std::swap(event_, other.event_);
        std::swap(id_, other.id_);
        return *this;
    }
    ~kept_event() {
        if (event_ != nullptr) detail::envelope::release(event_);
    }

    explicit operator bool() const noexcept { return event_ != nullptr; }

    /// The event, if it is an E; else null.
    template <event E>
    const E* get_if() const noexcept {
        if (event_ == nullptr || event_->type().traits != detail::event_identity<E>::traits()) return nullptr;
        return static_cast<const E*>(std::as_const(*event_).event());
    }

    // Of one that is not empty.
    event_id id() const noexcept { return id_; }
    std::string_view type() const noexcept { return event_->type().event; }

    /// By the bus's clock; up to some milliseconds early where that is the system's.
    std::chrono::steady_clock::time_point published_at() const noexcept { return event_->stamp; }

    std::string_view topic() const noexcept {
        const std::string_view given = option(&publish_options::topic);
        return given.empty() ? type() : given;
    }
    std::string_view key() const noexcept { return option(&publish_options::key); }
    std::string_view source() const noexcept { return option(&publish_options::source); }
    std::span<const header> headers() const noexcept {
        const publish_options* const said = event_->options();
        return said != nullptr ? std::span{said->headers} : std::span<const header>{};
    }

    /// Whether both share one event.
    friend bool operator==(const kept_event& a, const kept_event& b) noexcept { return a.event_ == b.event_; }

    /// For the library: of the event under way in `frame`, which came out of a queue.
    explicit kept_event(base::slot& frame) : event_{frame.event}, id_{context{frame}.id()} { event_->retain(); }
    detail::envelope* shared() const noexcept { return event_; }

private:
    std::string_view option(std::string_view publish_options::*member) const noexcept {
        const publish_options* const said = event_->options();
        return said != nullptr ? said->*member : std::string_view{};
    }

    detail::envelope* event_ = nullptr;
    event_id id_{};
};

}  // namespace tidings
