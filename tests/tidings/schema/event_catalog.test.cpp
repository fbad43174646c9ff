#include <tidings/schema/event_catalog.hpp>

#include "support/catch.hpp"

#include <tidings/tidings.hpp>

#include <nlohmann/json.hpp>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace first {
struct order_placed {
    static constexpr std::string_view event_type = "order.placed";
    static constexpr int schema_version = 2;
    std::string order_id;
    int cents = 0;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(order_placed, order_id, cents)
}  // namespace first

namespace second {
struct order_placed {
    static constexpr std::string_view event_type = "order.placed";
    std::string id;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(order_placed, id)

struct impostor {
    static constexpr std::string_view event_type = "order.placed";
    std::string id;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(impostor, id)
}  // namespace second

namespace {

using tidings::errc;
using tidings::event_catalog;
using tidings::stored_event;

template <class F>
std::error_code error_of(F f) {
    try {
        f();
    } catch (const tidings::error& e) {
        return e.code();
    }
    return {};
}

const std::chrono::system_clock::time_point noon{std::chrono::hours{12}};

}  // namespace

TEST_CASE("an event in bytes is published as the type that it is, with all that was said of it") {
    event_catalog catalog;
    catalog.add<first::order_placed>().add<second::order_placed>();
    CHECK(catalog.size() == 2);
    CHECK(catalog.contains("order.placed", 1));
    CHECK(catalog.contains("order.placed", 2));
    CHECK_FALSE(catalog.contains("order.placed", 3));
    CHECK_FALSE(catalog.contains("order", 1));

    const stored_event stored = tidings::store_event(first::order_placed{"A-1", 4'200}, noon,
                                                     {.topic = "order.placed.eu",
                                                      .key = "A-1",
                                                      .source = "checkout",
                                                      .id = {1, 2},
                                                      .correlation_id = {3, 4},
                                                      .causation_id = {5, 6},
                                                      .headers = {{"tenant", "north"}}});
    CHECK(stored.type == "order.placed");
    CHECK(stored.schema_version == 2);
    CHECK(stored.time == noon);
    CHECK(stored.payload == R"({"cents":4200,"order_id":"A-1"})");

    tidings::bus bus;
    int old = 0;
    int seen = 0;
    const auto first_version = bus.subscribe([&](const second::order_placed&) { ++old; });
    const auto second_version = bus.subscribe([&](const first::order_placed& e, const tidings::context& c) {
        ++seen;
        CHECK(e.order_id == "A-1");
        CHECK(e.cents == 4'200);
        CHECK(c.id() == tidings::event_id{1, 2});
        CHECK(c.topic() == "order.placed.eu");
        CHECK(c.key() == "A-1");
        CHECK(c.source() == "checkout");
        CHECK(c.correlation_id() == tidings::event_id{3, 4});
        CHECK(c.causation_id() == tidings::event_id{5, 6});
        REQUIRE(c.headers().size() == 1);
        CHECK(c.headers()[0].value == "north");
    });
    CHECK(catalog.publish(bus, stored).handled == 1);
    CHECK(seen == 1);
    CHECK(old == 0);
}

TEST_CASE("what nothing is said of is made when the event is stored, and stays") {
    const stored_event one = tidings::store_event(second::order_placed{"A"}, noon);
    const stored_event other = tidings::store_event(second::order_placed{"A"}, noon);
    CHECK(one.id != tidings::event_id{});
    CHECK(one.id != other.id);
    CHECK(one.correlation_id == one.id);
    CHECK(one.causation_id == tidings::event_id{});
    CHECK(one.topic.empty());
    CHECK(one.schema_version == 1);

    event_catalog catalog;
    catalog.add<second::order_placed>();
    tidings::bus bus;
    std::vector<tidings::event_id> ids;
    const auto taken = bus.subscribe([&](const second::order_placed&, const tidings::context& c) {
        ids.push_back(c.id());
        CHECK(c.topic() == "order.placed");
    });
    catalog.publish(bus, one);
    catalog.publish(bus, one);
    CHECK(ids == std::vector{one.id, one.id});
}

TEST_CASE("a type may be added again, and no other of its name and version") {
    event_catalog catalog;
    catalog.add<second::order_placed>().add<second::order_placed>();
    CHECK(catalog.size() == 1);
    CHECK(error_of([&] { catalog.add<second::impostor>(); }) == errc::event_name_taken);
    CHECK(catalog.size() == 1);
    tidings::bus bus;
    int seen = 0;
    const auto taken = bus.subscribe([&](const second::order_placed&) { ++seen; });
    catalog.publish(bus, tidings::store_event(second::order_placed{"A"}, noon));
    CHECK(seen == 1);
}

TEST_CASE("what the catalog does not know, or cannot read, reaches no handler") {
    event_catalog catalog{{.bytes = 100, .depth = 8}};
    catalog.add<second::order_placed>();
    tidings::bus bus;
    int seen = 0;
    const auto all = bus.subscribe([&](const second::order_placed&) { ++seen; });
    const auto error_with = [&](auto change) {
        stored_event stored = tidings::store_event(second::order_placed{"A"}, noon);
        change(stored);
        return error_of([&] { catalog.publish(bus, stored); });
    };
    CHECK(error_with([](stored_event& e) { e.type = "order.placed "; }) == errc::unknown_event);
    CHECK(error_with([](stored_event& e) { e.type = std::string("order.placed\0", 13); }) == errc::unknown_event);
    CHECK(error_with([](stored_event& e) { e.schema_version = 2; }) == errc::unknown_event);
    CHECK(error_with([](stored_event& e) { e.schema_version = 0; }) == errc::unknown_event);
    CHECK(error_with([](stored_event& e) { e.payload.pop_back(); }) == errc::invalid_payload);
    CHECK(error_with([](stored_event& e) { e.payload.clear(); }) == errc::invalid_payload);
    CHECK(error_with([](stored_event& e) { e.payload.append(100, ' '); }) == errc::payload_too_large);
    CHECK(seen == 0);
    CHECK_FALSE(error_with([](stored_event&) {}));
    CHECK(seen == 1);
}
