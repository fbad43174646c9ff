/// latency/<threads>/p50 and /p99: a ping and the pong that answers it, through a queue each, while all are awake.
#include <async/percentiles.hpp>
#include <async/stopwatch.hpp>
#include <async/suite.hpp>
#include <tidings/tidings.hpp>

#include <atomic>
#include <cstdint>
#include <semaphore>

namespace {

struct ping {
    std::uint64_t number;
};
struct pong {
    std::uint64_t number;
};

constexpr std::uint64_t warm_up = 500;
constexpr std::uint64_t measured = 100'000;
constexpr unsigned repetitions = 3;

/// Fewer rounds are enough where a thread has to wait for a core each time.
constexpr double patience = 2e9;  // nanoseconds

/// A pool answers, the calling thread looks into its mailbox until the answer is there.
void thread_and_pool(samples& to) {
    tidings::thread_pool pool{1};
    tidings::bus bus{{.executor = pool}};
    const tidings::subscription answers =
        bus.subscribe([&](const ping& e) { bus.publish(pong{e.number}); }, tidings::async);
    tidings::mailbox<pong> box = bus.mailbox<pong>();
    percentiles taken{measured};
    const stopwatch in_all;
    for (std::uint64_t n = 0; n <= warm_up || (n < measured && in_all.nanoseconds() < patience); ++n) {
        const stopwatch watch;
        bus.publish(ping{n});
        while (!box.try_receive()) {}
        if (n >= warm_up) taken.add(watch.nanoseconds());
    }
    taken.report(to, "latency/thread_and_pool");
}

/// Two pools of one thread answer each other.
void two_pools(samples& to) {
    tidings::thread_pool here{1};
    tidings::thread_pool there{1};
    tidings::bus bus;
    std::binary_semaphore ended{0};
    percentiles taken{measured};
    const stopwatch in_all;
    stopwatch watch;
    const tidings::subscription answers =
        bus.subscribe([&](const ping& e) { bus.publish(pong{e.number}); }, tidings::async.on(there));
    const tidings::subscription again = bus.subscribe(
        [&](const pong& e) {
            if (e.number >= warm_up) taken.add(watch.nanoseconds());
            if (e.number == measured || (e.number > warm_up && in_all.nanoseconds() > patience)) return ended.release();
            watch = {};
            bus.publish(ping{e.number + 1});
        },
        tidings::async.on(here));
    bus.publish(ping{0});
    ended.acquire();
    taken.report(to, "latency/two_pools");
}

/// The same, but that a third thread sends the pings, and spins until the pong has been handled.
void thread_and_two_pools(samples& to) {
    tidings::thread_pool here{1};
    tidings::thread_pool there{1};
    tidings::bus bus;
    std::atomic<std::uint64_t> seen{0};
    percentiles taken{measured};
    const tidings::subscription answers =
        bus.subscribe([&](const ping& e) { bus.publish(pong{e.number}); }, tidings::async.on(there));
    const tidings::subscription notes =
        bus.subscribe([&](const pong& e) { seen.store(e.number, std::memory_order_release); }, tidings::async.on(here));
    const stopwatch in_all;
    for (std::uint64_t n = 1; n <= warm_up || (n < measured && in_all.nanoseconds() < patience); ++n) {
        const stopwatch watch;
        bus.publish(ping{n});
        while (seen.load(std::memory_order_acquire) != n) {}
        if (n >= warm_up) taken.add(watch.nanoseconds());
    }
    taken.report(to, "latency/thread_and_two_pools");
}

}  // namespace

void add_latency(suite& to) {
    to.push_back({"latency/thread_and_pool", repetitions, measurement::place::here, thread_and_pool});
    to.push_back({"latency/two_pools", repetitions, measurement::place::here, two_pools});
    to.push_back({"latency/thread_and_two_pools", repetitions, measurement::place::here, thread_and_two_pools});
}
