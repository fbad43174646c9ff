// How tests wait for other threads: without sleeps, and never for what a broken library would not do.
#pragma once

#include <tidings/base/domain.hpp>

#include <atomic>
#include <cstdint>
#include <thread>

namespace support {

/// Returns when `done()` is true.
template <class Condition>
void wait_until(Condition done) {
    while (!done()) std::this_thread::yield();
}

/// How many threads of the process wait at this moment for a handler to end.
inline std::uint32_t threads_at_barrier() { return tidings::base::domain::here().waits().waiting.load(); }

/// One thread says that it is somewhere, others wait for it.
class flag {
public:
    void raise() noexcept { raised_.store(true); }
    bool raised() const noexcept { return raised_.load(); }
    void wait() const {
        wait_until([this] { return raised(); });
    }

private:
    std::atomic<bool> raised_{false};
};

/// Where two threads, 0 and 1, wait for each other again and again, to go on at the same moment.
class meeting {
public:
    void meet(int who) {
        const std::uint32_t round = places_[who].arrivals.fetch_add(1) + 1;
        for (int spins = 0; places_[1 - who].arrivals.load() < round; ++spins)
            if (spins > 1'000) std::this_thread::yield();
    }

private:
    struct alignas(64) place {
        std::atomic<std::uint32_t> arrivals{0};
    };
    place places_[2];
};

/// Holds a handler until `waiters` threads wait for a handler to end, or `returned` says that one did not wait.
template <class Returned>
void stay_until_waited_for(std::uint32_t waiters, Returned returned) {
    wait_until([&] { return threads_at_barrier() >= waiters || returned(); });
}

}  // namespace support
