// No lock of the library is held while user code runs, with queues, timers and mailboxes: handlers, filters, keys, an
// event's copies, moves and destructor, captures, on_error, and a user's own executor with its tasks.
#include "support/lock_audit.hpp"

#include "support/catch.hpp"

#include <tidings/tidings.hpp>

#include <atomic>
#include <chrono>
#include <coroutine>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;

std::atomic<int> entries{0};
std::atomic<int> entries_under_a_lock{0};

void enter_user_code() noexcept {
    ++entries;
    if (support::locks_held != 0) ++entries_under_a_lock;
}

/// User code wherever an object can have any.
struct witness {
    witness() noexcept { enter_user_code(); }
    witness(const witness&) noexcept { enter_user_code(); }
    witness(witness&&) noexcept { enter_user_code(); }
    witness& operator=(const witness&) = delete;
    ~witness() { enter_user_code(); }
};

struct tick {
    int n = 0;
    witness inside{};
};

/// An executor of a user's own, with a thread, and a lock of its own kind.
class own_executor {
public:
    own_executor() : thread_{[this] { run(); }} {}
    ~own_executor() {
        stop_ = true;
        thread_.join();
    }
    own_executor(const own_executor&) = delete;
    own_executor& operator=(const own_executor&) = delete;

    void post(tidings::task work) {
        enter_user_code();
        const std::lock_guard lock{mutex_};
        tasks_.push_back(std::move(work));
    }

private:
    void run() {
        for (;;) {
            std::optional<tidings::task> next;
            {
                const std::lock_guard lock{mutex_};
                if (!tasks_.empty()) {
                    next.emplace(std::move(tasks_.front()));
                    tasks_.pop_front();
                }
            }
            if (next) (*next)();
            else if (stop_) return;
            else std::this_thread::yield();
        }
    }

    std::mutex mutex_;
    std::deque<tidings::task> tasks_;
    std::atomic<bool> stop_{false};
    std::thread thread_;
};

struct started {
    struct promise_type {
        started get_return_object() noexcept { return {}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() noexcept {}
        void unhandled_exception() noexcept { std::terminate(); }
    };
};

started collect(tidings::mailbox<tick>& box, std::atomic<bool>& ended) {
    while (auto e = co_await box.next()) enter_user_code();
    enter_user_code();
    ended = true;
}

auto handler(int fails) {
    return [fails, w = witness{}](const tick& t) {
        enter_user_code();
        if (fails != 0 && t.n % fails == 0) throw t.n;
    };
}

const auto key = [w = witness{}](const tick& t) {
    enter_user_code();
    return t.n % 3;
};
const auto passes = [w = witness{}](const tick& t) {
    enter_user_code();
    return t.n % 7 != 0;
};

void use_everything(int round) {
    std::optional<own_executor> own{std::in_place};
    auto pool = std::make_unique<tidings::thread_pool>(2U);
    auto loop = std::make_unique<tidings::manual_executor>([w = witness{}] { enter_user_code(); });
    auto bus = std::make_unique<tidings::bus>(
        tidings::bus_options{.executor = *own, .on_error = [w = witness{}](const tidings::handler_error& e) {
                                 enter_user_code();
                                 static_cast<void>(e.what());
                             }});
    std::vector<tidings::subscription> all;
    const auto add = [&](int fails, const auto& how) { all.push_back(bus->subscribe(handler(fails), how)); };
    using tidings::async;
    using tidings::overflow;
    add(0, async.capacity(2));
    add(3, async.on(*pool).capacity(2));
    add(0, async.on(*pool).capacity(2).when_full(overflow::drop_oldest));
    add(0, async.on(*pool).capacity(2).when_full(overflow::drop_newest));
    add(4, async.on(*pool).capacity(3).ordered_by(key).filter(passes));
    add(0, async.on(*pool).capacity(2).ordered_by(key).when_full(overflow::drop_oldest).concurrency(2));
    add(0, async.on(*loop).capacity(4).when_full(overflow::reject));
    add(0, async.capacity(4).concurrency(2).when_full(overflow::reject));
    all.push_back(bus->subscribe(handler(5)));
    std::atomic<bool> ended{false};
    auto box = bus->mailbox<tick>({.capacity = 4, .when_full = overflow::drop_oldest, .resume_on = *own});
    auto full = bus->mailbox<tick>({.capacity = 2, .when_full = overflow::drop_oldest});
    collect(box, ended);
    auto later = bus->publish_after(1us, tick{1});
    auto again = bus->publish_every(100us, tick{2});
    auto never = bus->publish_after(1h, tick{3});
    const auto publish = [&bus = *bus] {
        for (int n = 0; n < 20; ++n) {
            const tick kept{n};
            bus.publish(kept);
            bus.publish(tick{n});
        }
    };
    std::thread other{publish};
    publish();
    never.cancel();
    loop->run();
    for (std::size_t n = 0; n < all.size(); n += 3) all[n].reset();
    other.join();
    again.cancel();
    if (round % 3 != 0) bus->drain_for(10ms);
    if (round % 2 == 0) bus->close();
    if (round % 4 < 2) pool.reset();
    loop.reset();
    static_cast<void>(bus->publish(tick{5}));
    bus.reset();
    while (!ended) std::this_thread::yield();
    pool.reset();
}

}  // namespace

TEST_CASE("no lock is held at any entry into user code, with queues, timers and mailboxes") {
    entries = 0;
    const std::uint64_t before = support::locks_taken.load();
    for (int round = 0; round < 24; ++round) use_everything(round);
    CHECK(entries > 10'000);
    CHECK(support::locks_taken.load() > before + 1'000);
    CHECK(entries_under_a_lock == 0);
}
