// expects: cannot tell which event this handler takes
#include <tidings/tidings.hpp>

struct order_placed {
    int cents = 0;
};

int main() {
    tidings::bus bus;
#ifdef MUST_NOT_COMPILE
    auto taken = bus.subscribe([] {});
#else
    auto taken = bus.subscribe([](const order_placed&) {});
#endif
}
