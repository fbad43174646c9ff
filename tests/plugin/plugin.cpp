// Loaded while the host runs; subscribes and publishes on the host's bus.
#include "shared_events.hpp"

#include <optional>
#include <thread>

#if TIDINGS_HAS_ASAN
// LeakSanitizer takes a library's thread-local block for one with a header of glibc 2.19's if its address ends in
// 0x010, reads a size out of the block and dies of it ("Tracer caught signal 11"). An aligned block never lies there.
alignas(64) [[gnu::used]] static constinit thread_local char aligns_the_block[64] = {};
#endif

namespace {

std::optional<tidings::subscriptions> mine;

}  // namespace

#define PLUGIN_API extern "C" __attribute__((visibility("default")))

/// Subscribes: every greeting is answered, with its cause.
PLUGIN_API void plugin_start(exchange& x) {
    mine.emplace();
    mine->add(x.bus->subscribe("plug-in", [&x](const greeting& g) {
        ++x.greetings_heard;
        x.holding = true;
        while (x.hold) std::this_thread::yield();
        x.holding = false;
        x.bus->publish(answer{g.n});
    }));
    mine->add(x.bus->subscribe([&x](const private_event&) { ++x.greetings_heard; }));
}

/// Publishes from the plug-in, on this thread and on one that ends in the plug-in's code.
PLUGIN_API void plugin_greet(exchange& x) {
    x.bus->publish(greeting{1});
    std::thread{[&x] { x.bus->publish(greeting{2}); }}.join();
}

PLUGIN_API void plugin_stop(exchange&) { mine.reset(); }
