// expects: what ordered_by returns needs a std::hash
#include <tidings/tidings.hpp>

struct customer {
    int number = 0;
};
struct order_placed {
    customer by;
};

int main() {
    tidings::bus bus;
#ifdef MUST_NOT_COMPILE
    auto taken = bus.subscribe([](const order_placed&) {}, tidings::async.ordered_by(&order_placed::by));
#else
    auto taken = bus.subscribe([](const order_placed&) {},
                               tidings::async.ordered_by([](const order_placed& o) { return o.by.number; }));
#endif
}
