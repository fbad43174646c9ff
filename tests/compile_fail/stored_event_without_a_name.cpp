// expects: an event that is stored has to name itself
#include <tidings/schema/event_catalog.hpp>

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>

struct order_placed {
#ifndef MUST_NOT_COMPILE
    static constexpr std::string_view event_type = "order.placed";
#endif
    std::string id;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(order_placed, id)

int main() {
    tidings::event_catalog catalog;
    catalog.add<order_placed>();
}
