// A child of fork() uses the bus: its parent's, which was idle, and one of its own.
#include <tidings/base/config.hpp>
#include <tidings/tidings.hpp>

#if defined(__unix__) && !TIDINGS_HAS_TSAN  // it lets no thread begin after fork()

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <thread>

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

/// In a child whose parent had a thread inside a handler: threads of the child, which may get that one's stack and
/// number, are not inside it.
bool threads_are_new() {
    tidings::bus own;
    std::atomic<int> roots{0};
    const auto taken = own.subscribe([&](const tick&, const tidings::context& origin) {
        if (origin.causation_id() == tidings::event_id{}) ++roots;
    });
    for (int n = 0; n != 3; ++n) std::thread{[&] { own.publish(tick{}); }}.join();
    return roots == 3;
}

int fork_beside_a_handler() {
    tidings::bus bus;
    std::atomic<bool> inside{false};
    std::atomic<bool> leave{false};
    const auto taken = bus.subscribe([&](const tick&) {
        inside = true;
        while (!leave) std::this_thread::yield();
    });
    std::thread other{[&] { bus.publish(tick{}); }};
    while (!inside) std::this_thread::yield();
    const pid_t child = ::fork();
    if (child == 0) std::_Exit(threads_are_new() ? 0 : 7);
    leave = true;
    other.join();
    int status = 0;
    if (::waitpid(child, &status, 0) != child || !WIFEXITED(status)) return 8;
    return WEXITSTATUS(status);
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
    if (!works(bus, heard)) return 6;
    return fork_beside_a_handler();
}

#else
int main() {}
#endif
