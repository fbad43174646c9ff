// Events that are fetched: from a mailbox a program takes them when it wants to, by waiting, in a loop, or in a
// coroutine.
#include <tidings/tidings.hpp>

#include <chrono>
#include <coroutine>
#include <exception>
#include <iostream>
#include <string>
#include <thread>
#include <utility>

using namespace std::chrono_literals;

struct parcel {
    std::string to;
    int grams = 0;
};

void one_at_a_time(tidings::bus& bus) {
    std::cout << "one at a time\n";
    auto box = bus.mailbox<parcel>({.capacity = 2, .when_full = tidings::overflow::reject});
    bus.publish(parcel{"Ada", 300});
    bus.publish(parcel{"Grace", 800});
    std::cout << "  a third one: " << bus.publish(parcel{"Edsger", 500}).rejected << " mailbox has no room\n";

    // What comes out is the event, or nothing; it tests like a pointer and reads like one.
    const tidings::received<parcel> first = box.receive();  // waits for one
    std::cout << "  " << first->to << ", " << first->grams << " g\n";
    if (auto second = box.receive_for(1s)) std::cout << "  " << second->to << ", " << second->grams << " g\n";
    std::cout << "  another: " << (box.try_receive() ? "yes" : "no") << '\n';
}  // The mailbox is a subscription: it ends with its scope.

void in_a_loop(tidings::bus& bus) {
    std::cout << "in a loop, on a thread of our own\n";
    auto box = bus.mailbox<parcel>();
    int count = 0;
    int grams = 0;
    std::jthread scales{[&] {
        for (const parcel& p : box) {  // until the mailbox is closed and empty
            ++count;
            grams += p.grams;
        }
    }};
    for (int n = 1; n <= 100; ++n) bus.publish(parcel{"everybody", n});
    box.close();  // what waits can still be fetched
    scales.join();
    std::cout << "  " << count << " parcels, " << grams << " g\n";
}

// The least that a coroutine needs: it begins at once and stops at its end. The library asks nothing of its type.
class routine {
public:
    struct promise_type {
        routine get_return_object() { return routine{std::coroutine_handle<promise_type>::from_promise(*this)}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_always final_suspend() noexcept { return {}; }
        void return_void() noexcept {}
        void unhandled_exception() noexcept { std::terminate(); }
    };

    explicit routine(std::coroutine_handle<promise_type> h) noexcept : handle_{h} {}
    routine(routine&& other) noexcept : handle_{std::exchange(other.handle_, nullptr)} {}
    ~routine() {
        if (handle_) handle_.destroy();  // only at its end: one that waits for an event must not be destroyed
    }
    bool done() const noexcept { return handle_.done(); }

private:
    std::coroutine_handle<promise_type> handle_;
};

// Reads like a loop that waits, but no thread does. A reference to the mailbox is enough: who starts it keeps it.
routine porter(std::string name, tidings::mailbox<parcel>& box) {
    while (auto p = co_await box.next())
        std::cout << "  " << name << " carries " << p->grams << " g to " << p->to << '\n';
    std::cout << "  " << name << " goes home\n";
}

void in_a_coroutine(tidings::bus& bus) {
    std::cout << "in two coroutines, on one thread\n";
    tidings::manual_executor loop;
    auto box = bus.mailbox<parcel>({.resume_on = loop});  // otherwise they would go on on the bus's executor
    routine ann = porter("Ann", box);
    routine bob = porter("Bob", box);

    for (const char* name : {"Ada", "Grace", "Edsger"}) bus.publish(parcel{name, 250});
    loop.run();  // each event comes out once: to whom waits, or else to the next who asks
    box.close();
    loop.run();
    std::cout << "  both are done: " << (ann.done() && bob.done() ? "yes" : "no") << '\n';
}

int main() {
    tidings::bus bus;
    one_at_a_time(bus);
    in_a_loop(bus);
    in_a_coroutine(bus);
}
