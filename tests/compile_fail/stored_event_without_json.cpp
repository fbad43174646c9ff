// expects: a catalog reads events from JSON, and nlohmann_json does not know how to
#include <tidings/schema/event_catalog.hpp>

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>

struct order_placed {
    static constexpr std::string_view event_type = "order.placed";
    std::string id;
};
#ifndef MUST_NOT_COMPILE
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(order_placed, id)
#endif

int main() {
    tidings::event_catalog catalog;
    catalog.add<order_placed>();
}
