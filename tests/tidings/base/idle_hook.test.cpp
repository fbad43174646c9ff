#include <tidings/base/idle_hook.hpp>

#include "support/catch.hpp"

#include <mutex>
#include <thread>
#include <utility>

namespace {

using tidings::base::idle_hook;

/// Does something for as many calls as it is told, then makes nothing happen any more.
class steps final : public idle_hook {
public:
    steps(tidings::base::mutex& free, int count) : free_{&free}, left_{count} { install(this); }
    ~steps() { install(nullptr); }
    steps(const steps&) = delete;
    steps& operator=(const steps&) = delete;

    bool go_on(time_point deadline, bool again) override {
        CHECK(deadline == never);
        CHECK(again == asked_);
        asked_ = true;
        const std::unique_lock lock{*free_, std::try_to_lock};
        CHECK(lock.owns_lock());
        ++calls;
        if (left_ == 0) return false;
        --left_;
        return true;
    }

    /// The next wait begins.
    void anew() noexcept { asked_ = false; }

    int calls = 0;

private:
    bool asked_ = false;
    tidings::base::mutex* free_;
    int left_;
};

TEST_CASE("a wait returns at once for what is so already, with and without a hook") {
    tidings::base::mutex mutex;
    tidings::base::condition_variable changed;
    std::unique_lock lock{mutex};
    CHECK(tidings::base::wait(changed, lock, [] { return true; }));
    steps hook{mutex, 1};
    CHECK(tidings::base::wait(changed, lock, [] { return true; }));
    CHECK(hook.calls == 0);
    CHECK(lock.owns_lock());
}

TEST_CASE(
    "a wait with a hook lets others go on, without the lock, until its condition holds, and says that it asks again") {
    tidings::base::mutex mutex;
    tidings::base::condition_variable changed;
    steps hook{mutex, 100};
    std::unique_lock lock{mutex};
    CHECK(tidings::base::wait(changed, lock, [&] { return hook.calls == 3; }));
    CHECK(hook.calls == 3);
    CHECK(lock.owns_lock());
}

TEST_CASE("a wait with a hook gives up when nothing will change, but asks once more before") {
    tidings::base::mutex mutex;
    tidings::base::condition_variable changed;
    steps hook{mutex, 2};
    std::unique_lock lock{mutex};
    CHECK_FALSE(tidings::base::wait(changed, lock, [] { return false; }));
    CHECK(hook.calls == 3);
    hook.anew();
    CHECK(tidings::base::wait(changed, lock, [&] { return hook.calls == 4; }));
    CHECK(lock.owns_lock());
}

TEST_CASE("a wait without a hook blocks until it is notified") {
    tidings::base::mutex mutex;
    tidings::base::condition_variable changed;
    bool ready = false;
    std::thread other;
    {
        std::unique_lock lock{mutex};
        other = std::thread{[&] {
            const std::lock_guard inside{mutex};  // free only while the wait blocks
            ready = true;
            changed.notify_one();
        }};
        CHECK(tidings::base::wait(changed, lock, [&] { return ready; }));
    }
    other.join();
}

TEST_CASE("a hook is its thread's alone") {
    tidings::base::mutex mutex;
    const steps hook{mutex, 0};
    CHECK(idle_hook::here() == &hook);
    const idle_hook* seen = &hook;
    std::thread{[&] { seen = idle_hook::here(); }}.join();
    CHECK(seen == nullptr);
}

}  // namespace
