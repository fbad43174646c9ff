// expects: schema versions begin at 1
#include <tidings/schema/event_catalog.hpp>

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>

struct order_placed {
    static constexpr std::string_view event_type = "order.placed";
#ifdef MUST_NOT_COMPILE
    static constexpr int schema_version = 0;
#else
    static constexpr int schema_version = 1;
#endif
    std::string id;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(order_placed, id)

int main() {
    tidings::event_catalog catalog;
    catalog.add<order_placed>();
}
