// expects: a handler takes its event by const reference: others receive the same object
#include <tidings/tidings.hpp>

struct order_placed {
    int cents = 0;
};

int main() {
    tidings::bus bus;
#ifdef MUST_NOT_COMPILE
    auto taken = bus.subscribe([](order_placed&&) {});
#else
    auto taken = bus.subscribe([](const order_placed&) {});
#endif
}
