/// Publishing in somebody's name.
#pragma once

#include <tidings/core/bus.hpp>
#include <tidings/core/publish.hpp>
#include <tidings/core/timer.hpp>

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>

namespace tidings {

/// What a producer says of every event for which a call says nothing else.
struct producer_options {
    std::string topic{};  ///< empty: the event type's name
    std::string key{};
    tidings::headers headers{};
};

/// Publishes on a bus in the name of a source, with topic, key and headers of its own where a call gives none.
///
/// Order, delivery and re-entrancy are those of bus::publish(). Correlation and causation are inherited as they are
/// there: from the event whose handler publishes, or from with_context().
/// The bus must outlive it, and it the handlers that its publish() calls before it returns: what they are told is its
/// own. For the handlers of queues that is copied. Thread-safe as the bus is; for the same reason not movable.
class producer {
public:
    /// `source` is what context::source() says of its events. Throws std::bad_alloc.
    producer(bus& to, std::string source, producer_options defaults = {})
        : bus_{&to},
          source_{std::move(source)},
          topic_{std::move(defaults.topic)},
          key_{std::move(defaults.key)},
          said_{.topic = topic_, .key = key_, .source = source_, .headers = std::move(defaults.headers)} {}
    producer(const producer&) = delete;
    producer& operator=(const producer&) = delete;

    std::string_view source() const noexcept { return source_; }

    /// As bus::publish(), and allocates what that does.
    template <class E>
    publish_result publish(E&& event) {
        return bus_->publish(std::forward<E>(event), said_);
    }

    /// The same, with what is to be said of this event alone. What `options` gives wins over what the producer was
    /// given, but for the source, which is the producer's. Of headers by one name the call's are taken, all of them;
    /// the producer's others follow. Its texts may be the event's own: `{.key = order.customer}`.
    ///
    /// Allocates for the headers that are added. Linear in the headers of the one times those of the other.
    template <class E>
    publish_result publish(E&& event, publish_options options) {
        complete(options);
        return bus_->publish(std::forward<E>(event), options);
    }

    // --- Later: as those of the bus, with the same said -------------------------------------------------------------

    template <class E>
    timer publish_after(std::chrono::nanoseconds delay, E&& event) {
        return bus_->publish_after(delay, std::forward<E>(event), said_);
    }
    template <class E>
    timer publish_after(std::chrono::nanoseconds delay, E&& event, publish_options options) {
        complete(options);
        return bus_->publish_after(delay, std::forward<E>(event), options);
    }

    template <class Clock, class Duration, class E>
    timer publish_at(std::chrono::time_point<Clock, Duration> due, E&& event) {
        return bus_->publish_at(due, std::forward<E>(event), said_);
    }
    template <class Clock, class Duration, class E>
    timer publish_at(std::chrono::time_point<Clock, Duration> due, E&& event, publish_options options) {
        complete(options);
        return bus_->publish_at(due, std::forward<E>(event), options);
    }

    template <class E>
    timer publish_every(std::chrono::nanoseconds period, E&& event) {
        return bus_->publish_every(period, std::forward<E>(event), said_);
    }
    template <class E>
    timer publish_every(std::chrono::nanoseconds period, E&& event, publish_options options) {
        complete(options);
        return bus_->publish_every(period, std::forward<E>(event), options);
    }

private:
    void complete(publish_options& options) const {
        options.source = source_;
        if (options.topic.empty()) options.topic = topic_;
        if (options.key.empty()) options.key = key_;
        const auto given = static_cast<tidings::headers::difference_type>(options.headers.size());
        for (const header& each : said_.headers) {
            const auto end = options.headers.begin() + given;
            const auto has_its_name = [&](const header& other) { return other.name == each.name; };
            if (std::none_of(options.headers.begin(), end, has_its_name)) options.headers.push_back(each);
        }
    }

    bus* const bus_;
    const std::string source_;
    const std::string topic_;
    const std::string key_;
    const publish_options said_;  // its texts are those above
};

}  // namespace tidings
