// expects: a handler returns nothing, for its result would be lost
#include <tidings/tidings.hpp>

struct order_placed {
    int cents = 0;
};

int main() {
    tidings::bus bus;
#ifdef MUST_NOT_COMPILE
    auto taken = bus.subscribe([](const order_placed& o) { return o.cents; });
#else
    auto taken = bus.subscribe([](const order_placed& o) { static_cast<void>(o.cents); });
#endif
}
