// exit() while threads of pools run handlers, wait for room, and tasks wait: the process ends, and in time.
#include <tidings/tidings.hpp>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <thread>

namespace {

struct tick {
    int n = 0;
};

/// Not destroyed: what runs on at exit may use them.
struct world {
    tidings::bus bus;
    std::atomic<int> busy{0};
    tidings::subscription shared = bus.subscribe(
        [this](const tick& t) {
            ++busy;
            while (t.n >= 0) std::this_thread::yield();
        },
        tidings::async.concurrency(2).capacity(1));
};

}  // namespace

int main() {
    static world& all = *new world;
    std::thread blocked{[] {
        for (int n = 0;; ++n) all.bus.publish(tick{n});
    }};
    blocked.detach();
    while (all.busy < 2) std::this_thread::yield();
    static const tidings::timer never = all.bus.publish_after(std::chrono::hours{1}, tick{});
    std::exit(0);
}
