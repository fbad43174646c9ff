// A child of fork() uses the bus: its parent's, which was idle, and one of its own.
#include <tidings/base/config.hpp>
#include <tidings/tidings.hpp>

#if defined(__unix__) && !TIDINGS_HAS_TSAN  // it lets no thread begin after fork()

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>

namespace {

struct tick {
    int n = 0;
};

/// Whether events come through, at once, by queue and by timer.
bool works(tidings::bus& bus, std::atomic<int>& heard) {
    heard = 0;
    for (int n = 0; n != 100; ++n) bus.publish(tick{n});
    bus.drain();
    if (heard != 200) return false;
    const tidings::timer soon = bus.publish_after(std::chrono::milliseconds{1}, tick{});
    while (heard < 202) {}
    bus.drain();
    return heard == 202;
}

}  // namespace

int main() {
    tidings::bus bus;
    std::atomic<int> heard{0};
    const auto at_once = bus.subscribe([&](const tick&) { ++heard; });
    auto queued = bus.subscribe([&](const tick&) { ++heard; }, tidings::async);
    if (!works(bus, heard)) return 1;
    const pid_t child = ::fork();
    if (child == 0) {
        if (!works(bus, heard)) std::_Exit(2);
        tidings::bus own;
        const auto a = own.subscribe([&](const tick&) { ++heard; });
        const auto b = own.subscribe([&](const tick&) { ++heard; }, tidings::async);
        if (!works(own, heard)) std::_Exit(3);
        if (queued.reset() != tidings::reset_result::ended) std::_Exit(4);
        std::_Exit(0);
    }
    int status = 0;
    if (::waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 0) return 5;
    return works(bus, heard) ? 0 : 6;
}

#else
int main() {}
#endif
