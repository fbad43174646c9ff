// Somebody else's program: whatever way it found the library, it compiles and an event arrives.
#include <tidings/tidings.hpp>

struct greeting {
    int n = 0;
};

int main() {
    int received = 0;
    tidings::bus bus;
    tidings::subscription s = bus.subscribe([&](const greeting& g) { received = g.n; });
    bus.publish(greeting{42});
    return received == 42 ? 0 : 1;
}
