/// lifetimes/<what>/<n>: what one of n subscriptions costs, when all are made and then all are ended.
#include <measure.hpp>
#include <register.hpp>
#include <tick.hpp>
#include <tidings/tidings.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <random>
#include <vector>

namespace {

using clock = std::chrono::steady_clock;

std::vector<std::size_t> as_made(std::size_t n) {
    std::vector<std::size_t> order(n);
    std::iota(order.begin(), order.end(), std::size_t{0});
    return order;
}

std::vector<std::size_t> reversed(std::size_t n) {
    std::vector<std::size_t> order = as_made(n);
    std::reverse(order.begin(), order.end());
    return order;
}

std::vector<std::size_t> shuffled(std::size_t n) {
    std::vector<std::size_t> order = as_made(n);
    std::shuffle(order.begin(), order.end(), std::mt19937_64{1});  // NOLINT: the same order in every run
    return order;
}

int all_equal(std::size_t) { return 0; }
int mixed(std::size_t n) { return static_cast<int>(n * 7919 % 16); }

constexpr std::chrono::seconds patience{1};

enum class timed { making, ending };

void lifetimes(benchmark::State& state, timed what, std::vector<std::size_t> (*order_of)(std::size_t),
               int (*priority_of)(std::size_t)) {
    second_thread::require();
    const auto n = static_cast<std::size_t>(state.range(0));
    const std::vector<std::size_t> order = order_of(n);
    for (auto _ : state) {
        std::uint64_t counter = 0;
        tidings::bus bus;
        std::vector<tidings::subscription> subscriptions;
        subscriptions.reserve(n);
        const auto began = clock::now();
        for (std::size_t each = 0; each < n; ++each) {
            subscriptions.push_back(bus.subscribe(add_to{&counter}, tidings::sync.priority(priority_of(each))));
            if (each % 256 == 0 && clock::now() - began > patience) return state.SkipWithError("gave up");
        }
        const auto made = clock::now();
        bus.publish(tick{});
        if (counter != n) return state.SkipWithError("a handler was not called");
        const auto ending = clock::now();
        for (const std::size_t each : order) subscriptions[each].reset();
        const auto ended = clock::now();
        const std::chrono::duration<double> taken = what == timed::making ? made - began : ended - ending;
        state.SetIterationTime(taken.count() / static_cast<double>(n));
    }
}

void add(const char* name, timed what, std::vector<std::size_t> (*order_of)(std::size_t),
         int (*priority_of)(std::size_t)) {
    for (const int n : {1'000, 10'000, 100'000})
        benchmark::RegisterBenchmark(name, lifetimes, what, order_of, priority_of)
            ->Arg(n)
            ->Iterations(100'000 / n)
            ->UseManualTime();
}

}  // namespace

void register_lifetimes() {
    add("lifetimes/made", timed::making, as_made, all_equal);
    add("lifetimes/made_with_mixed_priorities", timed::making, as_made, mixed);
    add("lifetimes/ended_in_order", timed::ending, as_made, all_equal);
    add("lifetimes/ended_in_reverse", timed::ending, reversed, all_equal);
    add("lifetimes/ended_at_random", timed::ending, shuffled, all_equal);
}
