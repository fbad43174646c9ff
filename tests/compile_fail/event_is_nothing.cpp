// expects: an event type is an object type
#include <tidings/tidings.hpp>

struct stopped {};

int main() {
    tidings::bus bus;
#ifdef MUST_NOT_COMPILE
    bus.publish(nullptr);
#else
    bus.publish(stopped{});
#endif
}
