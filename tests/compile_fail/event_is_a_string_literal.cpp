// expects: an event is not an array or a string literal
#include <tidings/tidings.hpp>

struct order_placed {
    int cents = 0;
};

int main() {
    tidings::bus bus;
#ifdef MUST_NOT_COMPILE
    bus.publish("order placed");
#else
    bus.publish(order_placed{});
#endif
}
