// expects: this handler cannot be called with the event
#include <tidings/tidings.hpp>

struct order_placed {
    int cents = 0;
};

int main() {
    tidings::bus bus;
#ifdef MUST_NOT_COMPILE
    auto taken = bus.subscribe<order_placed>([](int) {});
#else
    auto taken = bus.subscribe<order_placed>([](const order_placed&, const tidings::context&) {});
#endif
}
