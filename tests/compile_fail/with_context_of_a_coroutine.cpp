// expects: tidings: with_context ends when body returns
#include <tidings/tidings.hpp>

#include <coroutine>

struct fetched {
    static bool await_ready() { return true; }
    static void await_suspend(std::coroutine_handle<>) {}
    static int await_resume() { return 1; }
};

int main() {
    tidings::bus bus;
    const tidings::lineage from{.correlation_id = {1, 2}};
#ifdef MUST_NOT_COMPILE
    tidings::with_context(from, [] { return fetched{}; });
#else
    tidings::with_context(from, [&] { return bus.publish(1).handled; });
#endif
}
