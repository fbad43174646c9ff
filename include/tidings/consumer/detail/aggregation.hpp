/// What a window_aggregator does.
#pragma once

#include <tidings/base/config.hpp>
#include <tidings/consumer/detail/aligned_placing.hpp>
#include <tidings/consumer/detail/event_clock.hpp>
#include <tidings/consumer/detail/first_exception.hpp>
#include <tidings/consumer/detail/open_windows.hpp>
#include <tidings/consumer/detail/session_placing.hpp>
#include <tidings/consumer/window.hpp>
#include <tidings/consumer/window_functions.hpp>
#include <tidings/consumer/window_kind.hpp>
#include <tidings/consumer/window_options.hpp>
#include <tidings/consumer/window_outcome.hpp>
#include <tidings/consumer/window_stats.hpp>

#include <algorithm>
#include <cstddef>
#include <utility>
#include <variant>

namespace tidings::window_detail {

/// `let_go` says whether the owner has been destroyed meanwhile: then no handler is called any more.
template <class Key, class Accumulator, class Event>
class aggregation {
public:
    template <class Kind, class Functions>
    aggregation(const Kind& kind, Functions functions, const window_options& how)
        : way_{way<Kind, Functions>{kind, std::move(functions)}},
          most_{std::max<std::size_t>(how.max_open_windows, 1)},
          clock_{how} {}

    window_outcome add(event_time time, const Key& key, const Event& event, const bool& let_go) {
        consumer_detail::first_exception thrown;
        ++counts_.added;
        const window_outcome became = folding_ ? window_outcome::nested : take(time, key, event, let_go, thrown);
        count(became);
        if (became != window_outcome::taken && !let_go) run(thrown, [&] { tell_missed({became, time, key, event}); });
        thrown.rethrow();
        return became;
    }

    void advance_to(event_time watermark, const bool& let_go) {
        consumer_detail::first_exception thrown;
        clock_.advance_to(watermark);
        close_due(let_go, thrown);
        thrown.rethrow();
    }

    void flush(const bool& let_go) {
        if (open_.size() != 0) advance_to(std::max(clock_.watermark(), open_.last_end()), let_go);
    }

    event_time watermark() const noexcept { return clock_.watermark(); }

    window_stats stats() const noexcept {
        window_stats seen = counts_;
        seen.open = open_.size();
        return seen;
    }

private:
    template <class Kind, class Functions>
    struct way {
        Kind kind;
        Functions functions;
    };
    using aligned_way = way<aligned_windows, window_functions<Key, Accumulator, Event>>;
    using session_way = way<session_windows, session_functions<Key, Accumulator, Event>>;

    /// While it lives, `what` is true.
    struct during {
        explicit during(bool& what) noexcept : flag{what} { flag = true; }
        ~during() { flag = false; }
        during(const during&) = delete;
        during& operator=(const during&) = delete;
        bool& flag;
    };

    window_outcome take(event_time time, const Key& key, const Event& event, const bool& let_go,
                        consumer_detail::first_exception& thrown) {
        const auto believed = clock_.look_at(time);
        if (believed == event_clock::belief::none) return window_outcome::too_far_ahead;
        clock_.move_with(time);
        // First, for it makes room, and none of the event's own is among them: those end later. What handlers add may
        // move the watermark; it does not make this event late, which came before.
        const event_time watermark = clock_.watermark();
        close_until(watermark, let_go, thrown);
        if (let_go) return window_outcome::ended;

        window_outcome became{};
        TIDINGS_TRY { became = place_event(time, key, event, watermark); }
        TIDINGS_CATCH_ALL {
            ++counts_.failed;
            TIDINGS_RETHROW;
        }
        counts_.high_water = std::max<std::uint64_t>(counts_.high_water, open_.size());
        if (became == window_outcome::taken && believed == event_clock::belief::jump) ++counts_.jumps;
        if (clock_.watermark() > watermark) close_due(let_go, thrown);
        return became;
    }

    window_outcome place_event(event_time time, const Key& key, const Event& event, event_time watermark) {
        const during now{folding_};
        const auto place_by = [&](const auto& by, auto... merge) {
            return window_detail::place(
                open_, by.kind, time, key, watermark, most_, counts_,
                [&](Accumulator& value) { by.functions.fold(value, event); }, merge...);
        };
        if (const auto* const aligned = std::get_if<aligned_way>(&way_)) return place_by(*aligned);
        const auto& sessions = *std::get_if<session_way>(&way_);
        return place_by(sessions,
                        [&](Accumulator& to, Accumulator&& from) { sessions.functions.merge(to, std::move(from)); });
    }

    void close_due(const bool& let_go, consumer_detail::first_exception& thrown) {
        event_time until{};
        do {
            until = clock_.watermark();
            close_until(until, let_go, thrown);
        } while (!let_go && until < clock_.watermark());  // a handler has moved it
    }

    void close_until(event_time watermark, const bool& let_go, consumer_detail::first_exception& thrown) {
        if (closing_ || folding_) return;  // the call that is under way does it
        const during now{closing_};
        while (!let_go && open_.any_until(watermark)) {
            auto first = open_.take_first();
            ++counts_.closed;
            run(thrown, [&] {
                std::visit([&](const auto& by) { by.functions.closed(std::move(first.mapped().seen)); }, way_);
            });
        }
    }

    void tell_missed(const missed_event<Key, Event>& event) const {
        std::visit(
            [&](const auto& by) {
                if (by.functions.missed) by.functions.missed(event);
            },
            way_);
    }

    template <class F>
    void run(consumer_detail::first_exception& thrown, F handler) {
        if (!thrown.run(handler)) ++counts_.handler_failures;
    }

    void count(window_outcome became) noexcept {
        switch (became) {
            case window_outcome::taken:
                ++counts_.taken;
                break;
            case window_outcome::late:
                ++counts_.late;
                break;
            case window_outcome::too_far_ahead:
                ++counts_.too_far_ahead;
                break;
            case window_outcome::full:
                ++counts_.full;
                break;
            case window_outcome::nested:
                ++counts_.nested;
                break;
            case window_outcome::ended:
                break;  // nobody is left to ask
        }
    }

    const std::variant<aligned_way, session_way> way_;
    const std::size_t most_;
    event_clock clock_;
    open_windows<Key, Accumulator> open_;
    window_stats counts_;
    bool closing_ = false;
    bool folding_ = false;
};

}  // namespace tidings::window_detail
