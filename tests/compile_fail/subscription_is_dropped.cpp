// expects: nodiscard
#include <tidings/tidings.hpp>

struct order_placed {
    int cents = 0;
};

int main() {
    tidings::bus bus;
#ifdef MUST_NOT_COMPILE
    bus.subscribe([](const order_placed&) {});
#else
    auto taken = bus.subscribe([](const order_placed&) {});
#endif
}
