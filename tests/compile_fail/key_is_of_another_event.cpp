// expects: ordered_by takes a member of the event, or a function that is called with .const event&.
#include <tidings/tidings.hpp>

struct order_placed {
    int customer = 0;
};
struct order_shipped {
    int customer = 0;
};

int main() {
    tidings::bus bus;
#ifdef MUST_NOT_COMPILE
    auto taken = bus.subscribe([](const order_placed&) {}, tidings::async.ordered_by(&order_shipped::customer));
#else
    auto taken = bus.subscribe([](const order_placed&) {}, tidings::async.ordered_by(&order_placed::customer));
#endif
}
