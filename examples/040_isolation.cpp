// One handler's failure is its own: not the publisher's, not its neighbours'. And once reset() has returned, the
// handler is gone for good, whatever other threads are up to.
#include <tidings/tidings.hpp>

#include <atomic>
#include <iostream>
#include <latch>
#include <memory>
#include <stdexcept>
#include <thread>
#include <utility>

struct tick {
    int number = 0;
};

void a_failure_stays_where_it_is() {
    std::cout << "three handlers, two of them broken\n";
    tidings::bus bus{{.on_error = [](const tidings::handler_error& e) {
        std::cout << "  on_error: " << e.subscriber() << ": " << e.what() << '\n';
    }}};

    // Names are for whoever reads the report.
    auto mail = bus.subscribe("mail", [](const tick&) { throw std::runtime_error{"no route to host"}; });
    auto legacy = bus.subscribe("legacy", [](const tick& t) {
        if (t.number == 2) throw 42;  // anything can be thrown
    });
    auto audit = bus.subscribe("audit", [](const tick& t) { std::cout << "  audit: tick " << t.number << '\n'; });

    for (int n = 1; n <= 2; ++n) {
        const tidings::publish_result result = bus.publish(tick{n});  // what they throw ends inside
        std::cout << "  publish: " << result.handled << " handled, " << result.failed << " failed\n";
    }

    const tidings::subscription_stats stats = legacy.stats();
    std::cout << "  legacy so far: " << stats.delivered << " delivered, " << stats.failed << " failed\n";
}

void a_handler_may_leave_while_it_runs() {
    std::cout << "a handler that wants one event only\n";
    tidings::bus bus;
    tidings::subscription once;
    once = bus.subscribe([&](const tick& t) {
        // reset() waits until the handler has returned. In the handler itself it cannot, and says so.
        const bool inside = once.reset() == tidings::reset_result::running_here;
        std::cout << "  tick " << t.number << ", and no more" << (inside ? " after this call\n" : "\n");
    });
    for (int n = 1; n <= 3; ++n) bus.publish(tick{n});
}

void reset_is_a_barrier() {
    std::cout << "reset() while another thread is inside the handler\n";
    tidings::bus bus;
    std::latch entered{1};
    std::atomic<bool> left = false;
    auto connection = std::make_shared<int>(7);  // stands for whatever a handler must not outlive
    const std::weak_ptr<int> captured = connection;

    tidings::subscription slow;
    slow = bus.subscribe([&, connection = std::move(connection)](const tick&) {
        entered.count_down();
        // Stays until reset() has begun on the main thread, which therefore has to wait.
        while (slow.active()) std::this_thread::yield();
        left = true;
    });

    std::jthread publisher{[&] { bus.publish(tick{1}); }};
    entered.wait();
    slow.reset();
    std::cout << "  the handler has returned: " << (left ? "yes" : "no") << '\n';
    std::cout << "  its captures are destroyed: " << (captured.expired() ? "yes" : "no") << '\n';
    std::cout << "  a later publish reaches: " << bus.publish(tick{2}).handled << '\n';
}

int main() {
    a_failure_stays_where_it_is();
    a_handler_may_leave_while_it_runs();
    reset_is_a_barrier();
}
