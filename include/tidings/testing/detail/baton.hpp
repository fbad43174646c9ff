/// Lets many threads run one at a time.
#pragma once

#include <tidings/base/sync.hpp>

#include <atomic>
#include <mutex>

namespace tidings::testing::detail {

/// Where a thread waits for its turn.
struct seat {
    base::condition_variable turn;
    bool parked = false;
};

/// Whoever has it runs, the others wait. All members are called with the same lock held; what a thread did while it had
/// the baton happened before what the next one does.
class baton {
public:
    using lock = std::unique_lock<base::mutex>;

    explicit baton(seat& first) noexcept : holder_{&first} {}

    /// From the thread that has it.
    void give(seat& to) noexcept {
        holder_.store(&to, std::memory_order_release);
        if (to.parked) to.turn.notify_one();
    }

    /// How long a thread stays awake for it. Sleeping and waking cost more than most turns: it pays to stay awake
    /// where exactly one turn is awaited. Where threads take turns among many, they keep each other from processors.
    enum class patience { little = 300, much = 3'000 };  // some ten, some hundred microseconds

    void await(lock& held, seat& mine, patience how = patience::little) {
        const seat* const before = holder_.load(std::memory_order_relaxed);
        if (before == &mine) return;
        static const bool alone = base::thread::hardware_concurrency() < 2;
        held.unlock();
        // When the baton goes on to a third thread, that one needs the processor.
        for (int spins = alone ? static_cast<int>(how) : 0; spins < static_cast<int>(how); ++spins) {
            if (holder_.load(std::memory_order_acquire) != before) break;
            base::cpu_relax();
        }
        held.lock();
        mine.parked = true;
        while (holder_.load(std::memory_order_relaxed) != &mine) mine.turn.wait(held);
        mine.parked = false;
    }

    /// Returns when it came back.
    void pass(lock& held, seat& from, seat& to, patience how = patience::little) {
        give(to);
        await(held, from, how);
    }

private:
    base::atomic<const seat*> holder_;
};

}  // namespace tidings::testing::detail
