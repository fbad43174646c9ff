/// Where an event comes from: identity, time, cause and the publisher's words.
#pragma once

#include <tidings/base/publisher.hpp>
#include <tidings/core/detail/attempt.hpp>
#include <tidings/core/detail/envelope.hpp>
#include <tidings/core/detail/time_source.hpp>
#include <tidings/core/event_id.hpp>
#include <tidings/core/publish.hpp>

#include <chrono>
#include <climits>
#include <cstdint>
#include <span>
#include <stop_token>
#include <string_view>

namespace tidings {

/// A view of the event under way, for a handler that takes it as its second parameter.
///
/// Nothing in it is made before somebody asks: an event whose context nobody looks at has no id and reads no clock.
/// Once made, the values stay the same for every handler of the event. An id is larger than the ids of the events
/// that caused it on this thread.
///
/// Valid until the handler returns, on the thread that runs it; copy what has to stay. Nothing here allocates. The
/// texts are the publisher's own, not checked and not copied.
class context {
public:
    context(const context&) = delete;
    context& operator=(const context&) = delete;

    event_id id() const { return id(*frame_); }

    /// The time of the first question, within the publish call; of an event that came out of a queue the time of its
    /// publication, to some milliseconds.
    std::chrono::system_clock::time_point time() const {
        using clock = std::chrono::system_clock;
        if (!frame_->tally.has_time) {
            const detail::time_source* const times = times_of(*frame_);
            clock::time_point made = detail::time_source::system_now(times);
            if (frame_->event != nullptr)
                made -=
                    std::chrono::duration_cast<clock::duration>(detail::time_source::now(times) - frame_->event->stamp);
            frame_->time = made.time_since_epoch().count();
            frame_->tally.has_time = 1;
        }
        return clock::time_point{clock::duration{frame_->time}};
    }

    /// What belongs together: given by the publisher, else that of the event whose handler published this one, or of
    /// with_context(), else the event's own id. Linear in the depth of nested publishes.
    event_id correlation_id() const {
        base::slot* root = frame_;
        for (base::slot* frame = frame_; frame != nullptr; frame = cause(*frame)) {
            if (const event_id given = option(*frame, &publish_options::correlation_id); given != event_id{})
                return given;
            root = frame;
        }
        return id(*root);
    }

    /// The id of the event whose handler published this one, or that of with_context(), unless the publisher gave
    /// another; nil for a root.
    event_id causation_id() const {
        if (const event_id given = option(*frame_, &publish_options::causation_id); given != event_id{}) return given;
        base::slot* const around = cause(*frame_);
        return around != nullptr ? id(*around) : event_id{};
    }

    /// What the publisher gave, or else the event type's name.
    std::string_view topic() const noexcept {
        const std::string_view given = option(*frame_, &publish_options::topic);
        return given.empty() ? event_type() : given;
    }
    std::string_view event_type() const noexcept { return type_of(*frame_).event; }
    std::string_view key() const noexcept { return option(*frame_, &publish_options::key); }
    std::string_view source() const noexcept { return option(*frame_, &publish_options::source); }
    std::span<const tidings::header> headers() const noexcept {
        const publish_options* options = options_of(*frame_);
        return options != nullptr ? std::span{options->headers} : std::span<const tidings::header>{};
    }

    /// The value of the first header of that name, or an empty text. Linear in the number of headers.
    std::string_view header(std::string_view name) const noexcept {
        for (const tidings::header& each : headers())
            if (each.name == name) return each.value;
        return {};
    }

    /// Which delivery of the event to this handler it is, from 1.
    int attempt() const noexcept {
        const unsigned number = frame_->attempt != nullptr ? frame_->attempt->number : 1;
        return number < INT_MAX ? static_cast<int>(number) : INT_MAX;
    }

    /// Asks the handler to end soon, where it has a time limit: see consumer_options::time_limit. Else it never asks.
    std::stop_token stop_token() const noexcept {
        return frame_->attempt != nullptr ? frame_->attempt->stop : std::stop_token{};
    }

    /// For the publish call that opened `frame`.
    explicit context(base::slot& frame) noexcept : frame_{&frame} {}

    /// The type of the frame's event. For the library.
    static const base::event_entry& type_of(const base::slot& frame) noexcept {
        return frame.event != nullptr ? frame.event->type() : *frame.table.load(std::memory_order_relaxed)->type;
    }

    /// What the publisher of the frame's event said; null: nothing. For the library.
    static const publish_options* given_to(const base::slot& frame) noexcept { return options_of(frame); }
    static bool has_cause(const base::slot& frame) noexcept { return cause(frame) != nullptr; }

private:
    static const publish_options* options_of(const base::slot& frame) noexcept {
        return static_cast<const publish_options*>(frame.options);
    }

    template <class T>
    static T option(const base::slot& frame, T publish_options::*member) noexcept {
        const publish_options* options = options_of(frame);
        return options != nullptr ? options->*member : T{};
    }

    static const detail::time_source* times_of(const base::slot& frame) noexcept {
        return frame.table.load(std::memory_order_relaxed)->times;
    }

    /// The publish around this one on the same thread: one of its handlers published this event; or what with_context()
    /// put there. What causes an event from a queue has, it was given as an option.
    static base::slot* cause(const base::slot& frame) noexcept {
        return frame.tally.detached ? nullptr : base::publisher::publish_at_or_around(frame.outer);
    }

    static event_id id(base::slot& frame) {
        if (!frame.tally.has_id) {
            event_id made = option(frame, &publish_options::id);
            if (made == event_id{}) {
                if (base::slot* around = cause(frame)) id(*around);  // causes first: ids sort as things happened
                const auto make = [&] { return detail::time_source::next_id(times_of(frame)); };
                made = frame.event != nullptr ? frame.event->id(make) : make();
            }
            frame.id_high = made.high();
            frame.id_low = made.low();
            frame.tally.has_id = 1;
        }
        return {frame.id_high, frame.id_low};
    }

    base::slot* frame_;
};

}  // namespace tidings
