// expects: an event type is not const or volatile
#include <tidings/tidings.hpp>

struct order_placed {};

int main() {
    tidings::bus bus;
#ifdef MUST_NOT_COMPILE
    auto taken = bus.subscribe<volatile order_placed>([](const auto&) {});
#else
    auto taken = bus.subscribe<order_placed>([](const auto&) {});
#endif
}
