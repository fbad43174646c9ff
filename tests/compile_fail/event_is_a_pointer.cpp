// expects: an event is not a pointer; publish the object
#include <tidings/tidings.hpp>

struct order_placed {
    int cents = 0;
};

int main() {
    tidings::bus bus;
#ifdef MUST_NOT_COMPILE
    order_placed order;
    bus.publish(&order);
#else
    order_placed order;
    bus.publish(order);
#endif
}
