// expects: tidings: with_context.lineage, body. calls body without arguments
#include <tidings/tidings.hpp>

struct order_placed {};

int main() {
    tidings::bus bus;
    const tidings::lineage from{.correlation_id = {1, 2}};
#ifdef MUST_NOT_COMPILE
    tidings::with_context(from, [&](const order_placed& order) { bus.publish(order); });
#else
    tidings::with_context(from, [&] { bus.publish(order_placed{}); });
#endif
}
