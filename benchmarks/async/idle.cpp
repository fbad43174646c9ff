/// idle/percent: the processor time that a bus takes with which nothing happens, of one core.
#include <async/cargo.hpp>
#include <async/process_usage.hpp>
#include <async/stopwatch.hpp>
#include <async/suite.hpp>
#include <tidings/tidings.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

namespace {

void idle(samples& to) {
    tidings::thread_pool pool{2};
    tidings::bus bus{{.executor = pool}};
    std::atomic<std::uint64_t> sum{0};
    std::vector<tidings::subscription> subscriptions;
    for (int n = 0; n < 10; ++n)
        subscriptions.push_back(bus.subscribe([&](const cargo& e) { sum += e.fields[0]; }, tidings::async));
    for (std::uint64_t n = 0; n < 1'000; ++n) bus.publish(cargo_number(n));  // not idle because it never began
    bus.drain();
    std::this_thread::sleep_for(std::chrono::milliseconds{50});

    const stopwatch watch;
    const double before = processor_seconds();
    std::this_thread::sleep_for(std::chrono::seconds{1});
    const double used = processor_seconds() - before;
    to.push_back({"idle/percent", 100 * used / (watch.nanoseconds() / 1e9)});
}

}  // namespace

void add_idle(suite& to) { to.push_back({"idle", 1, measurement::place::process_of_its_own, idle}); }
