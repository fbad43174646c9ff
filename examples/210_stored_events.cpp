// Events leave the process as bytes and come back as what they were: by name and version, with all that was said of
// them. What cannot be read is put aside, and holds up nothing.
#include <tidings/schema/event_catalog.hpp>
#include <tidings/tidings.hpp>

#include <nlohmann/json.hpp>

#include <chrono>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

// Outside of the process an event is known by a name of its own, and a version of what is in it.
struct order_placed {
    static constexpr std::string_view event_type = "order.placed";
    static constexpr int schema_version = 2;
    std::string id;
    int cents = 0;
    std::string currency;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(order_placed, id, cents, currency)

// What was written before there were other currencies.
struct order_placed_v1 {
    static constexpr std::string_view event_type = "order.placed";
    std::string id;
    int cents = 0;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(order_placed_v1, id, cents)

// Stands for a file, a table or a broker.
std::vector<tidings::stored_event> journal() {
    const std::chrono::system_clock::time_point noon{std::chrono::hours{12}};
    std::vector<tidings::stored_event> all{
        tidings::store_event(order_placed_v1{"A-1", 900}, noon, {.source = "shop 1.0"}),
        tidings::store_event(order_placed{"A-2", 1'200, "CHF"}, noon, {.key = "A-2", .source = "shop 2.0"}),
        tidings::store_event(order_placed{"A-3", 500, "EUR"}, noon),
        tidings::store_event(order_placed{"A-4", 700, "EUR"}, noon)};
    all[2].payload.resize(10);                                               // cut off
    all[3].payload = R"({"id":"A-4","cents":1099511627776,"currency":""})";  // more than an int holds
    all.push_back(all[1]);
    all.back().schema_version = 3;  // by a program that is newer than this one
    return all;
}

int main() {
    tidings::event_catalog catalog;
    catalog.add<order_placed>().add<order_placed_v1>();

    tidings::bus bus;
    const auto kitchen = bus.subscribe([](const order_placed& order, const tidings::context& origin) {
        std::cout << order.id << ": " << order.cents << ' ' << order.currency << ", from "
                  << (origin.source().empty() ? "(nobody)" : origin.source()) << '\n';
    });
    // An old version becomes the new one, and goes on with its source and its correlation.
    const auto upgrade = bus.subscribe([&](const order_placed_v1& old, const tidings::context& origin) {
        bus.publish(order_placed{old.id, old.cents, "EUR"}, {.source = origin.source()});
    });

    for (const tidings::stored_event& each : journal()) {
        try {
            catalog.publish(bus, each);
        } catch (const tidings::error& e) {
            std::cout << "put aside: " << each.type << ' ' << each.schema_version << ", " << e.code().message() << '\n';
        }
    }
    std::cout << "written as " << tidings::encode_json(order_placed{"A-5", 100, "EUR"}) << '\n';
}
