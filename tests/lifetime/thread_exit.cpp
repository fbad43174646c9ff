// A thread_local object publishes when its thread ends, that of main() included: the thread's own record of the
// library may be gone by then.
#include <tidings/tidings.hpp>

#include <atomic>
#include <thread>

namespace {

struct farewell {
    int n = 0;
};

std::atomic<int> heard{0};
tidings::bus* world = nullptr;

struct says_farewell {
    bool used = false;
    ~says_farewell() {
        if (used) world->publish(farewell{1});
    }
};

thread_local says_farewell early;  // made before the thread's record, so destroyed after it
thread_local says_farewell late;

}  // namespace

int main() {
    static tidings::bus bus;
    world = &bus;
    static const auto at_once = bus.subscribe([](const farewell&) { ++heard; });
    static const auto queued = bus.subscribe([](const farewell&) { ++heard; }, tidings::async);
    for (int round = 0; round != 20; ++round) {
        std::thread{[] {
            early.used = true;
            world->publish(farewell{0});
            late.used = true;
        }}.join();
    }
    bus.drain();
    early.used = true;
    return heard == 20 * 3 * 2 ? 0 : 1;  // and main's own, afterwards
}
