#include <tidings/executor/shared_pool.hpp>

#include "support/catch.hpp"
#include "support/waiting.hpp"

#include <tidings/base/config.hpp>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#if defined(__unix__)
#include <sys/wait.h>
#include <unistd.h>
#endif

namespace {

using support::flag;
using support::wait_until;
using tidings::shared_executor;

TEST_CASE("the process shares one pool, as wide as its hardware and two at least") {
    const auto port = shared_executor().port();
    CHECK(port == shared_executor().port());
    CHECK(port->width() == std::max(std::thread::hardware_concurrency(), 2U));
    std::shared_ptr<tidings::detail::executor_port> elsewhere;
    std::thread{[&] { elsewhere = shared_executor().port(); }}.join();
    CHECK(elsewhere == port);
}

TEST_CASE("two tasks of the shared pool run at the same time") {
    flag one;
    flag other;
    std::atomic<int> over{0};
    shared_executor().post([&] {
        one.raise();
        other.wait();
        ++over;
    });
    shared_executor().post([&] {
        other.raise();
        one.wait();
        ++over;
    });
    wait_until([&] { return over == 2; });
}

TEST_CASE("tasks of the shared pool know it") {
    std::atomic<int> here{-1};
    shared_executor().post([&] { here = shared_executor().port()->runs_here() ? 1 : 0; });
    wait_until([&] { return here != -1; });
    CHECK(here == 1);
    CHECK_FALSE(shared_executor().port()->runs_here());
}

#if defined(__unix__) && !TIDINGS_HAS_TSAN  // it does not follow threads through fork()

/// Whether `body`, in a child process, ends it with status 0, and soon.
template <class Body>
bool succeeds_in_child(Body body) {
    const pid_t child = ::fork();
    if (child == 0) {
        ::alarm(20);  // a hang is a failure
        body();
        ::_exit(1);
    }
    int status = -1;
    return ::waitpid(child, &status, 0) == child && status == 0;
}

/// Waits for a task that is posted to the shared pool.
void run_a_task() {
    flag done;
    shared_executor().post([&] { done.raise(); });
    done.wait();
}

TEST_CASE("a child process has a shared pool of its own, whatever the parent's did") {
    run_a_task();
    std::atomic<bool> stop{false};
    std::atomic<int> posted{0};
    // The pool's locks are taken and let go all the time. But not those of AddressSanitizer: it does not see to it that
    // they are free in a child, whose threads then hang as they start.
    std::thread busy{[&] {
        while (!stop && (!TIDINGS_HAS_ASAN || posted == 0)) {
            run_a_task();
            ++posted;
        }
    }};
    wait_until([&] { return posted > 0; });
    const tidings::executor_ref kept = shared_executor();
    for (int round = 0; round < 20; ++round) {
        CHECK(succeeds_in_child([&] {
            run_a_task();
            flag done;
            kept.post([&] { done.raise(); });  // what was taken before the fork leads to the child's
            done.wait();
            const bool again = succeeds_in_child([] {
                run_a_task();  // and so has the child of the child
                ::_exit(0);
            });
            ::_exit(again ? 0 : 1);
        }));
    }
    stop = true;
    busy.join();
    CHECK(shared_executor().port() == kept.port());
    run_a_task();
}

/// Uses the pool when static objects are destroyed.
struct late {
    ~late() {
        if (!active) return;
        run_a_task();
        ::_exit(0);  // what the test framework would write is the parent's
    }
    bool active = false;
};
late last;  // NOLINT(cert-err58-cpp)

TEST_CASE("a process exits with tasks that run and tasks that wait, and static destructors use the pool") {
    CHECK(succeeds_in_child([] {
        last.active = true;
        std::atomic<unsigned> running{0};
        const unsigned width = shared_executor().port()->width();
        // One thread stays free for the static destructor.
        for (unsigned n = 0; n + 1 < width; ++n) {
            shared_executor().post([&] {
                ++running;
                for (;;) std::this_thread::yield();
            });
        }
        wait_until([&] { return running == width - 1; });
        std::exit(2);
    }));
}

TEST_CASE("a process exits while all threads of the pool are busy, and tasks come and go") {
    for (int round = 0; round < 10; ++round) {
        CHECK(succeeds_in_child([] {
            struct again {
                void operator()() const { shared_executor().post(again{*this}); }
            };
            for (int n = 0; n < 8; ++n) shared_executor().post(again{});
            run_a_task();
            std::exit(0);
        }));
    }
}

#endif

}  // namespace
