#include <tidings/executor/system_clock.hpp>

#include "support/catch.hpp"
#include "support/waiting.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <functional>
#include <memory>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#if defined(__unix__)
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

namespace {

using namespace std::chrono_literals;
using support::flag;
using support::wait_until;
using alarm_base = tidings::detail::alarm;  // <unistd.h> has another alarm
using tidings::detail::clock_port;
using tidings::detail::default_clock;
using tidings::detail::system_clock_port;
using clock = std::chrono::steady_clock;

/// Calls a function when it rings, and counts.
struct calls : alarm_base {
    explicit calls(std::function<void()> f = {}) : alarm_base{&calls::call}, at_ring{std::move(f)} {}
    static void call(alarm_base& self) noexcept {
        auto& mine = static_cast<calls&>(self);
        mine.rung_at = clock::now();
        if (mine.at_ring) mine.at_ring();
        mine.rung.fetch_add(1);
    }
    std::function<void()> at_ring;
    clock::time_point rung_at{};
    std::atomic<int> rung{0};
};

int threads() {
    int count = 0;
#if defined(__linux__)
    if (std::FILE* const status = std::fopen("/proc/self/status", "r")) {
        char line[256];
        while (std::fgets(line, sizeof line, status) != nullptr)
            static_cast<void>(std::sscanf(line, "Threads: %d", &count));
        static_cast<void>(std::fclose(status));
    }
#endif
    return count;
}

}  // namespace

TEST_CASE("the system's clock shows the time") {
    clock_port& clock_of_system = default_clock();
    CHECK(&clock_of_system == &default_clock());
    const auto before = clock::now();
    const auto shown = clock_of_system.now();
    CHECK(before <= shown);
    CHECK(shown <= clock::now());
    const auto day = std::chrono::system_clock::now();
    CHECK(day <= clock_of_system.system_now());
    CHECK(clock_of_system.system_now() < day + 1h);
}

TEST_CASE("an alarm rings once, not before it is due, on a thread that begins with the first alarm") {
    const int threads_before = threads();
    system_clock_port port;
    calls never_set;
    CHECK_FALSE(port.cancel(never_set));
    CHECK(threads() == threads_before);
    std::thread::id ringer;
    calls a{[&] { ringer = std::this_thread::get_id(); }};
    const auto due = clock::now() + 5ms;
    port.call_at(a, due);
    wait_until([&] { return a.rung.load() == 1; });
    CHECK(a.rung_at >= due);
    CHECK(ringer != std::this_thread::get_id());
    CHECK_FALSE(port.cancel(a));
}

TEST_CASE("alarms ring in the order in which they are due, those of the past at once") {
    system_clock_port port;
    std::vector<int> order;
    const auto note = [&](int n) { return [&order, n] { order.push_back(n); }; };
    calls late{note(4)};
    calls early{note(1)};
    calls same{note(2)};
    calls same_but_later{note(3)};
    flag set;
    calls gate{[&] { set.wait(); }};  // so that all stand there when the first rings
    port.call_at(gate, clock::now() - 1h);
    const auto now = clock::now();
    port.call_at(late, now + 3ms);
    port.call_at(same, now + 2ms);
    port.call_at(same_but_later, now + 2ms);
    port.call_at(early, clock::time_point::min());
    set.raise();
    wait_until([&] { return late.rung.load() == 1; });
    CHECK(order == std::vector<int>{1, 2, 3, 4});
}

TEST_CASE("an earlier alarm wakes a thread that sleeps for a later one") {
    system_clock_port port;
    calls tomorrow;
    port.call_at(tomorrow, clock::now() + 24h);
    calls never;
    port.call_at(never, clock::time_point::max());
    calls soon;
    port.call_at(soon, clock::now() + 1ms);
    wait_until([&] { return soon.rung.load() == 1; });
    CHECK(port.cancel(tomorrow));
    CHECK_FALSE(port.cancel(tomorrow));
    CHECK(port.cancel(never));
    CHECK(tomorrow.rung.load() == 0);
}

TEST_CASE("an alarm that rings can be set anew, by itself, and be destroyed by itself") {
    system_clock_port port;
    std::atomic<bool> gone{false};
    auto owned = std::make_unique<calls>();
    calls& again = *owned;
    again.at_ring = [&] {
        if (again.rung.load() < 3) port.call_at(again, clock::now());
    };
    struct dies : alarm_base {
        explicit dies(std::atomic<bool>& g)
            : alarm_base{[](alarm_base& self) noexcept {
                  auto* const mine = static_cast<dies*>(&self);
                  mine->gone->store(true);
                  delete mine;
              }},
              gone{&g} {}
        std::atomic<bool>* gone;
    };
    port.call_at(again, clock::now());
    wait_until([&] { return again.rung.load() == 4; });
    port.call_at(*new dies{gone}, clock::now());
    wait_until([&] { return gone.load(); });
}

TEST_CASE("cancel() does not take back what rings") {
    system_clock_port port;
    flag begun;
    flag over;
    calls a{[&] {
        begun.raise();
        over.wait();
    }};
    port.call_at(a, clock::now());
    begun.wait();
    CHECK_FALSE(port.cancel(a));
    calls other;
    port.call_at(other, clock::now());
    CHECK(port.cancel(other));  // the thread is busy
    over.raise();
    wait_until([&] { return a.rung.load() == 1; });
    CHECK(other.rung.load() == 0);
}

TEST_CASE("each of many alarms rings once or is taken back once, with threads that set and cancel") {
    system_clock_port port;
    constexpr int each = 2'000;
    std::atomic<int> taken_back{0};
    std::deque<calls> alarms(2 * each);
    std::vector<std::thread> setters;
    for (int t = 0; t < 2; ++t) {
        setters.emplace_back([&, t] {
            for (int n = 0; n < each; ++n) {
                const auto mine = static_cast<std::size_t>(2 * n + t);
                port.call_at(alarms[mine], clock::now() + std::chrono::microseconds{n % 50});
                if (n >= 5 && port.cancel(alarms[mine - 10])) {
                    taken_back.fetch_add(1);
                    alarms[mine - 10].rung.fetch_add(100);
                }
            }
        });
    }
    for (std::thread& t : setters) t.join();
    for (const calls& a : alarms) wait_until([&] { return a.rung.load() != 0; });
    int rang = 0;
    int cancelled = 0;
    for (const calls& a : alarms) {
        rang += a.rung.load() == 1;
        cancelled += a.rung.load() == 100;
    }
    CHECK(cancelled == taken_back.load());
    CHECK(rang + cancelled == 2 * each);
}

TEST_CASE("a clock's end leaves alarms unrung, and waits for one that rings") {
    flag begun;
    std::atomic<bool> over{false};
    calls tomorrow;
    calls a{[&] {
        begun.raise();
        for (int n = 0; n < 1'000; ++n) std::this_thread::yield();
        over.store(true);
    }};
    {
        system_clock_port port;
        port.call_at(tomorrow, clock::now() + 24h);
        port.call_at(a, clock::now());
        begun.wait();
    }
    CHECK(over.load());
    CHECK(tomorrow.rung.load() == 0);
}

#if defined(__unix__)

TEST_CASE("a child of fork() has no alarms of its parent's, and a thread of its own") {
    calls parents;
    calls parents_too;
    default_clock().call_at(parents, clock::now() + 24h);
    default_clock().call_at(parents_too, clock::now() + 24h);
    const pid_t child = ::fork();
    if (child == 0) {
#if TIDINGS_HAS_TSAN
        ::_exit(0);  // ThreadSanitizer lets no threads begin after fork()
#endif
        if (!default_clock().cancel(parents)) ::_exit(1);
        if (default_clock().cancel(parents)) ::_exit(2);
        calls own;
        default_clock().call_at(own, clock::now() + 1ms);
        wait_until([&] { return own.rung.load() == 1; });
        if (!default_clock().cancel(parents_too)) ::_exit(3);
        default_clock().call_at(parents, clock::now());
        wait_until([&] { return parents.rung.load() == 1; });
        ::_exit(0);
    }
    REQUIRE(child > 0);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
    CHECK(default_clock().cancel(parents));
    CHECK(default_clock().cancel(parents_too));
}

#if !TIDINGS_HAS_TSAN && !TIDINGS_HAS_ASAN  // they need memory of their own

TEST_CASE("a clock that gets no thread says so, and has set nothing") {
    const pid_t child = ::fork();
    if (child == 0) {
        system_clock_port port;
        calls a;
        // No room for one more stack, once those of ended threads are taken.
        rlimit space{};
        ::getrlimit(RLIMIT_AS, &space);
        space.rlim_cur = 1;
        ::setrlimit(RLIMIT_AS, &space);
        try {
            for (;;) std::thread{[] { ::pause(); }}.detach();
        } catch (const std::system_error&) {}
        bool told = false;
        try {
            port.call_at(a, clock::now());
        } catch (const tidings::error& e) {
            told = e.code() == tidings::errc::no_threads;
        } catch (...) {}
        space.rlim_cur = space.rlim_max;
        ::setrlimit(RLIMIT_AS, &space);
        if (!told) ::_exit(1);
        if (port.cancel(a)) ::_exit(2);
        port.call_at(a, clock::now());
        wait_until([&] { return a.rung.load() == 1; });
        ::_exit(0);
    }
    REQUIRE(child > 0);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
}

#endif
#endif
