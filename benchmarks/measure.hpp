/// The loop around what is measured.
#pragma once

#include <benchmark/benchmark.h>
#include <allocations.hpp>
#include <second_thread.hpp>

#include <cstdint>
#include <span>

/// Times `operation()` and counts what it allocates on this thread. What it allocates once is lost in the average. One
/// call only: a second one, to warm up, would keep the compiler from putting either in place.
template <class Operation>
void measure(benchmark::State& state, Operation operation) {
    second_thread::require();
    const std::uint64_t before = allocations_so_far();
    for (auto _ : state) {
        operation();
        benchmark::ClobberMemory();
    }
    const auto allocations = static_cast<double>(allocations_so_far() - before);
    state.counters["allocations"] = benchmark::Counter(allocations, benchmark::Counter::kAvgIterations);
    state.SetItemsProcessed(state.iterations());
}

/// Fails the benchmark unless every handler was called once for each operation of measure().
inline void require_called(benchmark::State& state, std::span<const std::uint64_t> counters) {
    const auto operations = static_cast<std::uint64_t>(state.iterations());
    for (const std::uint64_t counter : counters)
        if (counter != operations) state.SkipWithError("a handler was not called once for each event");
}
