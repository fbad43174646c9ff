/// parked/<subject>/p50 and /p99: a ping and its pong between two threads that both sleep when it comes.
#include <async/percentiles.hpp>
#include <async/stopwatch.hpp>
#include <async/suite.hpp>
#include <tidings/tidings.hpp>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

namespace {

struct ping {};
struct pong {};

constexpr int rounds = 500;
constexpr unsigned repetitions = 2;
constexpr std::chrono::milliseconds pause{1};

void tidings_parked(samples& to) {
    tidings::thread_pool pool{1};
    tidings::bus bus{{.executor = pool}};
    const tidings::subscription answers = bus.subscribe([&](const ping&) { bus.publish(pong{}); }, tidings::async);
    tidings::mailbox<pong> box = bus.mailbox<pong>();
    percentiles taken{rounds};
    for (int n = 0; n < rounds; ++n) {
        std::this_thread::sleep_for(pause);
        const stopwatch watch;
        bus.publish(ping{});
        static_cast<void>(box.receive());
        taken.add(watch.nanoseconds());
    }
    taken.report(to, "parked/tidings");
}

/// One place, for one message.
class bare_box {
public:
    void put() {
        {
            const std::lock_guard lock{mutex_};
            full_ = true;
        }
        changed_.notify_one();
    }
    void take() {
        std::unique_lock lock{mutex_};
        changed_.wait(lock, [this] { return full_; });
        full_ = false;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool full_ = false;
};

void bare_parked(samples& to) {
    bare_box there;
    bare_box back;
    std::thread answers{[&] {
        for (int n = 0; n < rounds; ++n) {
            there.take();
            back.put();
        }
    }};
    percentiles taken{rounds};
    for (int n = 0; n < rounds; ++n) {
        std::this_thread::sleep_for(pause);
        const stopwatch watch;
        there.put();
        back.take();
        taken.add(watch.nanoseconds());
    }
    answers.join();
    taken.report(to, "parked/bare");
}

}  // namespace

void add_parked_latency(suite& to) {
    to.push_back({"parked/tidings", repetitions, measurement::place::here, tidings_parked});
    to.push_back({"parked/bare", repetitions, measurement::place::here, bare_parked});
}
