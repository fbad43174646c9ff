// expects: any_event is what handlers take
#include <tidings/tidings.hpp>
#include <tidings/topic/topic.hpp>

struct stopped {};

int main() {
    tidings::bus bus;
    auto taken = bus.subscribe(tidings::topic{"#"}, [&](const tidings::any_event& e) {
#ifdef MUST_NOT_COMPILE
        bus.publish(e);
#else
        if (const auto* again = e.get_if<stopped>()) bus.publish(*again);
#endif
    });
}
