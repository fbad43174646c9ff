/// How often the threads of a pool have allocated memory.
#pragma once

#include <allocations.hpp>
#include <tidings/tidings.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <latch>
#include <memory>

/// Of a pool of so many threads, with nothing to do.
inline std::uint64_t allocations_of(tidings::thread_pool& pool, std::size_t threads) {
    struct shared {
        explicit shared(std::ptrdiff_t n) : all_here{n}, all_done{n} {}
        std::atomic<std::uint64_t> sum{0};
        std::latch all_here;  // so that no thread runs two of the tasks
        std::latch all_done;
    };
    const auto counted = std::make_shared<shared>(static_cast<std::ptrdiff_t>(threads));
    for (std::size_t n = 0; n < threads; ++n) {
        pool.post([counted] {
            counted->sum += allocations_so_far();
            counted->all_here.arrive_and_wait();
            counted->all_done.count_down();
        });
    }
    counted->all_done.wait();
    return counted->sum;
}
