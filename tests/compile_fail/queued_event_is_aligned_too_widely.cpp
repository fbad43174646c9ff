// expects: events aligned to more than 64 bytes cannot be queued
#include <tidings/tidings.hpp>

struct alignas(128) frame {};

int main() {
    tidings::bus bus;
#ifdef MUST_NOT_COMPILE
    auto taken = bus.subscribe([](const frame&) {}, tidings::async);
#else
    auto taken = bus.subscribe([](const frame&) {});
#endif
}
