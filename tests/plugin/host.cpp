// Shares a bus with a library that it loads while it runs. Takes the library's path.
#include "shared_events.hpp"

#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <thread>

#define CHECK(condition)                                                                 \
    do {                                                                                 \
        if (!(condition)) {                                                              \
            std::fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
            std::exit(1);                                                                \
        }                                                                                \
    } while (false)

static plugin_function symbol(void* library, const char* name) {
    auto* found = reinterpret_cast<plugin_function>(::dlsym(library, name));
    CHECK(found != nullptr);
    return found;
}

/// One life of the plug-in, on a bus that outlives it.
static void load_use_and_unload(exchange& x, const char* path) {
    x.greetings_heard = 0;
    void* const library = ::dlopen(path, RTLD_NOW | RTLD_LOCAL);
    CHECK(library != nullptr);
    const plugin_function start = symbol(library, "plugin_start");
    const plugin_function greet = symbol(library, "plugin_greet");
    const plugin_function stop = symbol(library, "plugin_stop");

    // The host subscribes to what the plug-in publishes, and the other way round: one type is one event.
    std::atomic<int> answers{0};
    std::atomic<int> greetings{0};
    tidings::subscription hears_answers = x.bus->subscribe([&](const answer& a) { answers += a.n; });
    tidings::subscription hears_greetings = x.bus->subscribe([&](const greeting&) { ++greetings; });
    start(x);
    CHECK(x.bus->publish(greeting{10}).handled == 2);
    CHECK(x.greetings_heard == 1 && answers == 10 && greetings == 1);
    greet(x);
    CHECK(x.greetings_heard == 3 && answers == 13 && greetings == 3);

    // A type in an unnamed namespace is each library's own.
    CHECK(x.bus->publish(private_event{}).handled == 0);

    // The plug-in's reset waits for its handler on a thread of the host's.
    x.hold = true;
    std::atomic<bool> stopped{false};
    std::thread publisher{[&] { x.bus->publish(greeting{1}); }};
    while (!x.holding) std::this_thread::yield();
    std::thread stopper{[&] {
        stop(x);
        CHECK(!x.holding);
        stopped = true;
    }};
    for (int n = 0; n < 1'000; ++n) std::this_thread::yield();
    CHECK(!stopped);
    x.hold = false;
    stopper.join();
    publisher.join();
    CHECK(x.bus->publish(greeting{1}).handled == 1);  // the host's own

    // The host's reset waits for its handler on a thread that is in the plug-in's code.
    std::atomic<bool> entered{false};
    std::atomic<bool> leave{false};
    std::atomic<bool> left{false};
    tidings::subscription slow = x.bus->subscribe([&](const greeting&) {
        entered = true;
        while (!leave) std::this_thread::yield();
        left = true;
    });
    std::thread in_plugin{[&] { greet(x); }};
    while (!entered) std::this_thread::yield();
    std::thread releaser{[&] { leave = true; }};
    CHECK(slow.reset() == tidings::reset_result::ended);
    CHECK(left);
    releaser.join();
    in_plugin.join();

    CHECK(::dlclose(library) == 0);
    CHECK(x.bus->publish(greeting{1}).handled == 1);
}

int main(int count, char** arguments) {
    CHECK(count == 2);
    exchange x;
    tidings::bus bus;
    x.bus = &bus;
    for (int life = 0; life < 3; ++life) load_use_and_unload(x, arguments[1]);
}
