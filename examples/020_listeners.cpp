// Objects that listen: who keeps them alive, one object for several events, filters, and who goes first.
#include <tidings/tidings.hpp>

#include <iostream>
#include <memory>
#include <string>

struct temperature_measured {
    std::string room;
    double celsius = 0;
};

struct door_opened {
    std::string door;
};

struct display {
    std::string name;
    void show(const temperature_measured& t) const {
        std::cout << "  " << name << ": " << t.room << ' ' << t.celsius << '\n';
    }
};

// A listener names its events, and has an on() for each: leaving one out does not compile.
struct burglar_alarm {
    using listens_to = tidings::events<door_opened, temperature_measured>;

    bool armed = false;
    void on(const door_opened& d) const {
        if (armed) std::cout << "  alarm: the " << d.door << " door!\n";
    }
    void on(const temperature_measured& t) { armed = t.celsius < 18; }  // nobody heats the house: nobody is home
};

void member_functions(tidings::bus& bus) {
    std::cout << "four ways to hold a listener\n";
    display hall{"hall"};
    display kitchen{"kitchen"};
    auto guest = std::make_shared<display>(display{"guest"});

    // A variable, or a pointer to one: yours to keep alive for as long as the subscription.
    auto by_reference = bus.subscribe(&display::show, hall);
    auto by_pointer = bus.subscribe(&display::show, &kitchen);
    // A shared_ptr: the subscription keeps the object alive.
    auto owning = bus.subscribe(&display::show, std::make_shared<display>(display{"cellar"}));
    // A weak_ptr: the object may go whenever it likes, and is called no more then.
    auto observing = bus.subscribe(&display::show, std::weak_ptr{guest});

    bus.publish(temperature_measured{"bath", 24.5});

    std::cout << "the guest has left\n";
    guest.reset();
    bus.publish(temperature_measured{"bath", 23.5});
}

void several_events(tidings::bus& bus) {
    std::cout << "one listener, two events\n";
    burglar_alarm alarm;
    tidings::subscriptions while_we_care = tidings::listen(bus, alarm);

    bus.publish(door_opened{"front"});
    bus.publish(temperature_measured{"hall", 12});
    bus.publish(door_opened{"cellar"});
}

void filters_and_priorities(tidings::bus& bus) {
    std::cout << "frost only, and the valve first\n";
    const auto frost = tidings::sync.filter([](const temperature_measured& t) { return t.celsius < 0; });

    // How an event is delivered is a value: name it, share it, refine it.
    auto text_message = bus.subscribe(
        [](const temperature_measured& t) { std::cout << "  text message: frost in the " << t.room << '\n'; }, frost);
    auto valve = bus.subscribe([](const temperature_measured&) { std::cout << "  valve: shut\n"; }, frost.priority(10));

    bus.publish(temperature_measured{"attic", 4});  // passes neither filter
    bus.publish(temperature_measured{"attic", -3});
}

int main() {
    tidings::bus bus;
    member_functions(bus);
    several_events(bus);
    filters_and_priorities(bus);
}
