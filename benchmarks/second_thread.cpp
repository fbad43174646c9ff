#include <second_thread.hpp>

#include <atomic>
#include <cstdio>
#include <cstdlib>

#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#endif

namespace {

std::atomic<bool> alive{false};

bool taken_for_single_threaded() noexcept {
#if __has_include(<sys/single_threaded.h>)
    return __libc_single_threaded != 0;
#else
    return false;
#endif
}

}  // namespace

second_thread::second_thread() : thread_{&second_thread::sleep, this} { alive.wait(false); }

second_thread::~second_thread() {
    {
        const std::lock_guard lock{mutex_};
        ending_soon_ = true;
    }
    ending_.notify_one();
    thread_.join();
}

void second_thread::require() noexcept {
    if (alive && !taken_for_single_threaded()) return;
    std::fputs("tidings.benchmarks: measured without a second thread\n", stderr);
    std::abort();
}

void second_thread::sleep() {
    std::unique_lock lock{mutex_};
    alive = true;
    alive.notify_one();
    ending_.wait(lock, [this] { return ending_soon_; });
    alive = false;
}
