/// Threads that publish at the same time, and live as long as the object: the first is the one that calls.
#pragma once

#include <allocations.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <semaphore>
#include <thread>

class producers {
public:
    explicit producers(std::size_t count) : count_{count} {
        if (count == 2) second_ = std::thread{&producers::serve, this};
    }
    ~producers() {
        if (!second_.joinable()) return;
        work_ = nullptr;
        begin_.release();
        second_.join();
    }
    producers(const producers&) = delete;
    producers& operator=(const producers&) = delete;

    /// One or two.
    std::size_t count() const noexcept { return count_; }

    /// Calls `work(number)` in each of them, and waits for all. Returns how often they allocated.
    std::uint64_t run(const std::function<void(std::size_t)>& work) {
        work_ = &work;
        if (count_ == 2) begin_.release();
        const std::uint64_t before = allocations_so_far();
        work(0);
        std::uint64_t allocations = allocations_so_far() - before;
        if (count_ == 2) {
            ended_.acquire();
            allocations += allocations_of_second_;
        }
        return allocations;
    }

private:
    void serve() {
        for (;;) {
            begin_.acquire();
            if (work_ == nullptr) return;
            const std::uint64_t before = allocations_so_far();
            (*work_)(1);
            allocations_of_second_ = allocations_so_far() - before;
            ended_.release();
        }
    }

    const std::size_t count_;
    const std::function<void(std::size_t)>* work_ = nullptr;
    std::uint64_t allocations_of_second_ = 0;
    std::binary_semaphore begin_{0};
    std::binary_semaphore ended_{0};
    std::thread second_;
};
