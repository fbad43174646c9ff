/// latency/bare_line/p50 and /p99: two threads that answer each other through atomics: what the machine can do. How far
/// apart a virtual machine's processors are changes from minute to minute, and everything here with it.
#include <async/percentiles.hpp>
#include <async/stopwatch.hpp>
#include <async/suite.hpp>
#include <tidings/base/sync.hpp>

#include <atomic>
#include <cstdint>
#include <thread>

namespace {

constexpr std::uint64_t in_one = 10;  // rounds for one look at the clock
constexpr std::uint64_t measured = 10'000;
constexpr unsigned repetitions = 5;

void await(const std::atomic<std::uint64_t>& place, std::uint64_t value) {
    while (place.load(std::memory_order_acquire) != value) tidings::base::cpu_relax();
}

void bare_line(samples& to) {
    struct alignas(128) line {
        std::atomic<std::uint64_t> value{0};
    };
    line there;
    line back;
    std::thread answers{[&] {
        for (std::uint64_t n = 1; n <= measured * in_one; ++n) {
            await(there.value, n);
            back.value.store(n, std::memory_order_release);
        }
    }};
    percentiles taken{measured};
    for (std::uint64_t n = 1; n <= measured * in_one;) {
        const stopwatch watch;
        for (std::uint64_t each = 0; each < in_one; ++each, ++n) {
            there.value.store(n, std::memory_order_release);
            await(back.value, n);
        }
        taken.add(watch.nanoseconds() / static_cast<double>(in_one));
    }
    answers.join();
    taken.report(to, "latency/bare_line");
}

}  // namespace

void add_bare_line(suite& to) { to.push_back({"latency/bare_line", repetitions, measurement::place::here, bare_line}); }
