/// A queue with a thread of its own that takes events out and adds up a field: no dispatch.
#pragma once

#include <allocations.hpp>
#include <async/cargo.hpp>

#include <cstddef>
#include <cstdint>
#include <semaphore>
#include <thread>

/// A Queue has push(event), and take(use), which waits until there is something, calls use(event) for some, and
/// returns how many.
template <class Queue>
class consumed_queue {
public:
    static constexpr std::size_t copies = 1;

    consumed_queue() : consumer_{&consumed_queue::consume, this} {}
    ~consumed_queue() {
        expect(0);
        consumer_.join();
    }
    consumed_queue(const consumed_queue&) = delete;
    consumed_queue& operator=(const consumed_queue&) = delete;

    /// So many events are about to come.
    void expect(std::uint64_t events) {
        expected_ = events;
        begin_.release();
    }
    void push(const cargo& e) { queue_.push(e); }
    void finish() { ended_.acquire(); }

    // After finish().
    std::uint64_t allocations() const { return allocations_; }
    std::uint64_t sum() const { return sum_; }

private:
    void consume() {
        for (;;) {
            begin_.acquire();
            if (expected_ == 0) return;
            std::uint64_t sum = sum_;
            for (std::uint64_t left = expected_; left != 0;)
                left -= queue_.take([&](const cargo& e) { sum += e.fields[0]; });
            sum_ = sum;
            allocations_ = allocations_so_far();
            ended_.release();
        }
    }

    Queue queue_;
    std::uint64_t expected_ = 0;
    std::uint64_t sum_ = 0;
    std::uint64_t allocations_ = 0;
    std::binary_semaphore begin_{0};
    std::binary_semaphore ended_{0};
    std::thread consumer_;
};
