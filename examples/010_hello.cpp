// The first minute: an event is a struct, a handler is a function that takes it, a bus brings the two together.
#include <tidings/tidings.hpp>

#include <iostream>
#include <string>

struct order_placed {
    std::string dish;
    int cents = 0;
};

int main() {
    tidings::bus bus;

    // The handler's parameter says which event it is for.
    tidings::subscription kitchen =
        bus.subscribe([](const order_placed& order) { std::cout << "kitchen: one " << order.dish << '\n'; });

    int takings = 0;
    {
        tidings::subscription till = bus.subscribe([&](const order_placed& order) { takings += order.cents; });

        // Handlers run on this thread, in the order in which they subscribed; all are done when publish returns.
        tidings::publish_result result = bus.publish(order_placed{"soup", 450});
        std::cout << result.handled << " handlers, takings " << takings << " cents\n";
    }  // A subscription ends with its scope. From here on nobody touches `takings` behind our back.

    bus.publish(order_placed{"salad", 700});
    std::cout << "takings " << takings << " cents\n";

    kitchen.reset();  // or by hand

    // Publishers need not know who listens. Nobody does now, and that is no error.
    std::cout << bus.publish(order_placed{"cake", 500}).handled << " handlers\n";
}
