// Readings come faster than they are handled. Each desk says what it can do without; who can do without nothing makes
// the publisher wait.
#include <tidings/tidings.hpp>

#include <iostream>
#include <string>
#include <utility>
#include <vector>

struct reading {
    int celsius = 0;
};

struct desk {
    desk(tidings::bus& bus, std::string called, tidings::overflow when_full)
        : name{std::move(called)},
          queue{bus.subscribe(
              name, [this](const reading& r) { seen.push_back(r.celsius); },
              tidings::async.capacity(3).when_full(when_full))} {}

    void report() const {
        std::cout << "  " << name << " saw";
        for (const int each : seen) std::cout << ' ' << each;
        const auto stats = queue.stats();
        std::cout << "; dropped " << stats.dropped << ", rejected " << stats.rejected << '\n';
    }

    std::string name;
    std::vector<int> seen;
    tidings::subscription queue;
};

// On a loop that runs when we say so: until then everybody is slow.
void desks_that_fall_behind() {
    std::cout << "three have room, five come\n";
    tidings::manual_executor loop;
    tidings::bus bus{{.executor = loop}};
    const desk display{bus, "display", tidings::overflow::drop_oldest};  // what counts is the newest
    const desk history{bus, "history", tidings::overflow::drop_newest};  // an early part is better than holes
    const desk billing{bus, "billing", tidings::overflow::reject};       // its publisher has to know
    for (int celsius = 1; celsius <= 5; ++celsius)
        if (bus.publish(reading{celsius}).rejected != 0) std::cout << "  nobody is billed for " << celsius << '\n';
    loop.run();
    display.report();
    history.report();
    billing.report();
}

// The default: a publisher waits until there is room. Nothing is lost, and the queue stays as short as it was meant to.
void a_publisher_that_waits() {
    std::cout << "a publisher that waits\n";
    tidings::thread_pool pool{1};
    tidings::bus bus{{.executor = pool}};
    int sum = 0;
    const auto adding = bus.subscribe([&](const reading& r) { sum += r.celsius; }, tidings::async.capacity(3));
    for (int celsius = 1; celsius <= 1'000; ++celsius) bus.publish(reading{celsius});
    bus.drain();
    std::cout << "  sum " << sum << ", and " << (adding.stats().high_water <= 3 ? "never more than" : "more than")
              << " 3 waited\n";
}

// Where the wait would be for oneself it is a rejection: this handler publishes to its own queue, which is full.
void a_cascade() {
    std::cout << "a cascade that feeds itself\n";
    tidings::thread_pool pool{1};
    std::vector<std::string> told;
    tidings::bus bus{{.executor = pool, .on_error = [&](const auto& e) { told.emplace_back(e.what()); }}};
    const auto doubling = bus.subscribe(
        [&](const reading& r) {
            if (r.celsius > 8) return;
            bus.publish(reading{r.celsius * 2});
            bus.publish(reading{r.celsius * 2});
        },
        tidings::async.capacity(1));
    bus.publish(reading{1});
    bus.drain();
    const auto stats = doubling.stats();
    std::cout << "  it ends: " << stats.delivered << " handled, " << stats.rejected << " rejected, " << told.size()
              << " times told\n";
}

int main() {
    desks_that_fall_behind();
    a_publisher_that_waits();
    a_cascade();
}
