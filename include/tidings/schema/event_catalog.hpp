/// Which event type bytes of some name and version are.
#pragma once

#include <tidings/base/error.hpp>
#include <tidings/base/type_name.hpp>
#include <tidings/core/bus.hpp>
#include <tidings/core/event.hpp>
#include <tidings/core/publish.hpp>
#include <tidings/schema/json_codec.hpp>
#include <tidings/schema/json_limits.hpp>
#include <tidings/schema/storable_event.hpp>
#include <tidings/schema/stored_event.hpp>

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace tidings {

/// The event types that a program reads from stores and brokers, by name and version. Types are added first; afterwards
/// any number of threads may publish with it.
class event_catalog {
public:
    explicit event_catalog(const json_limits& limits = {}) noexcept : limits_{limits} {}

    /// E has an event_type, a schema_version unless it is 1, and conversions to and from JSON. Adding it again changes
    /// nothing. Throws std::bad_alloc, and tidings::error with errc::event_name_taken if another type has the same name
    /// and version.
    template <class E>
    event_catalog& add() {
        schema_detail::require_storable<E>();
        static_assert(json_event<E>,
                      "tidings: a catalog reads events from JSON, and nlohmann_json does not know how to: "
                      "NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(order_placed, order_id, cents), and a default constructor");
        if constexpr (named_event<E> && json_event<E>) {
            const entry made{base::type_name<E>(), &publish_as<E>};
            const auto [known, is_new] =
                entries_.try_emplace({std::string{event_name<E>()}, schema_version_of<E>()}, made);
            if (!is_new && known->second.type != made.type) throw error{errc::event_name_taken};
        }
        return *this;
    }

    bool contains(std::string_view type, int version) const noexcept {
        return entries_.contains(name_view{type, version});
    }
    std::size_t size() const noexcept { return entries_.size(); }

    /// Publishes the event that the bytes are, with all that was said of it. Throws what bus::publish() throws;
    /// std::bad_alloc; and tidings::error, before any handler has run, with errc::unknown_event, or with what
    /// decode_json() throws. Logarithmic in the types.
    publish_result publish(bus& on, const stored_event& stored) const {
        const auto found = entries_.find(name_view{stored.type, stored.schema_version});
        if (found == entries_.end()) throw error{errc::unknown_event};
        return found->second.publish(on, stored, limits_);
    }

private:
    using name = std::pair<std::string, int>;
    using name_view = std::pair<std::string_view, int>;
    struct by_name {
        using is_transparent = void;
        static name_view of(const name& n) noexcept { return {n.first, n.second}; }
        static name_view of(const name_view& n) noexcept { return n; }
        template <class A, class B>
        bool operator()(const A& a, const B& b) const noexcept {
            return of(a) < of(b);
        }
    };
    struct entry {
        std::string_view type;
        publish_result (*publish)(bus&, const stored_event&, const json_limits&);
    };

    template <class E>
    static publish_result publish_as(bus& on, const stored_event& stored, const json_limits& limits) {
        return on.publish(decode_json<E>(stored.payload, limits), stored.options());
    }

    json_limits limits_;
    std::map<name, entry, by_name> entries_;
};

/// The event in bytes: with what its publisher says of it, an id if that says none, and that id as its correlation if
/// that says none either. Throws what encode_json() throws.
template <class E>
stored_event store_event(const E& e, std::chrono::system_clock::time_point time, const publish_options& said = {},
                         const json_limits& limits = {}) {
    schema_detail::require_storable<E>();
    stored_event made;
    made.id = said.id != event_id{} ? said.id : event_id::next();
    made.type = event_name<E>();
    made.schema_version = schema_version_of<E>();
    made.topic = said.topic;
    made.key = said.key;
    made.source = said.source;
    made.correlation_id = said.correlation_id != event_id{} ? said.correlation_id : made.id;
    made.causation_id = said.causation_id;
    made.time = time;
    made.headers = said.headers;
    made.payload = encode_json(e, limits);
    return made;
}

}  // namespace tidings
