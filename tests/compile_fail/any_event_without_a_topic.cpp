// expects: a handler of any_event says of which topics
#include <tidings/tidings.hpp>
#include <tidings/topic/topic.hpp>

int main() {
    tidings::bus bus;
#ifdef MUST_NOT_COMPILE
    auto taken = bus.subscribe([](const tidings::any_event&) {});
#else
    auto taken = bus.subscribe(tidings::topic{"#"}, [](const tidings::any_event&) {});
#endif
}
