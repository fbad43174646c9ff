// expects: a filter is called with .const event&. and returns a bool
#include <tidings/tidings.hpp>

struct order_placed {
    int cents = 0;
};

int main() {
    tidings::bus bus;
#ifdef MUST_NOT_COMPILE
    auto taken = bus.subscribe([](const order_placed&) {}, tidings::sync.filter([](int) { return true; }));
#else
    auto taken = bus.subscribe([](const order_placed&) {},
                               tidings::sync.filter([](const order_placed& o) { return o.cents > 0; }));
#endif
}
