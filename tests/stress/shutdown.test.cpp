// Buses, pools, subscriptions and timers that end on two threads at the same moment, again and again.
#include "support/catch.hpp"
#include "support/seed.hpp"
#include "support/waiting.hpp"

#include <tidings/tidings.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <thread>

namespace {

using namespace std::chrono_literals;

// Of each race.
#if TIDINGS_HAS_TSAN || TIDINGS_HAS_ASAN
constexpr std::uint64_t rounds = 5'000;
#elif defined(__OPTIMIZE__)
constexpr std::uint64_t rounds = 100'000;
#else
constexpr std::uint64_t rounds = 20'000;
#endif

struct ping {
    explicit ping(int left_over) : left{left_over} { ++living; }
    ping(const ping& other) : left{other.left} { ++living; }
    ~ping() { --living; }
    ping& operator=(const ping&) = delete;
    int left;  // events that it causes, one after the other
    static inline std::atomic<std::int64_t> living{0};
};

/// A second thread, which does something in each round at the same moment as the first.
class rival {
public:
    template <class Act>
    explicit rival(Act act)
        : thread_{[this, act] {
              for (;;) {
                  both_.meet(1);
                  if (over_) return;
                  act();
                  both_.meet(1);
              }
          }} {}
    ~rival() {
        over_ = true;
        both_.meet(0);
        thread_.join();
    }
    rival(const rival&) = delete;
    rival& operator=(const rival&) = delete;

    void begin() { both_.meet(0); }
    void end() { both_.meet(0); }

private:
    bool over_ = false;
    support::meeting both_;
    std::thread thread_;
};

}  // namespace

TEST_CASE("bus, pool and subscription end on two threads, in any order, with events under way") {
    const std::uint64_t seed = support::fresh_seed("ends");
    std::mt19937_64 random{seed};
    std::unique_ptr<tidings::thread_pool> pool;
    std::unique_ptr<tidings::bus> bus;
    std::array<tidings::subscription, 2> taken;
    tidings::timer set;
    std::atomic<std::uint64_t> accepted{0};
    std::uint64_t other_does = 0;
    std::uint64_t done_by_other = 0;
    std::atomic<bool> over{false};
    std::uint64_t round = 0;
    std::string wrong;
    {
        rival other{[&] {
            switch (other_does) {
                case 0:
                    pool.reset();
                    break;
                case 1:
                    taken[0].reset();
                    break;
                case 2:
                    for (int n = 0; n < 4; ++n) accepted += bus->publish(ping{1}).queued;
                    break;
                case 3:
                    static_cast<void>(bus->drain_for(10ms));
                    break;
                default:
                    set.cancel();
                    break;
            }
            ++done_by_other;
        }};
        for (; round != rounds && wrong.empty(); ++round) {
            accepted = 0;
            if (pool == nullptr || random() % 32 == 0)
                pool = std::make_unique<tidings::thread_pool>(1U + static_cast<unsigned>(random() % 2));
            bus = std::make_unique<tidings::bus>(
                tidings::bus_options{.executor = *pool, .on_error = [](const tidings::handler_error&) {}});
            tidings::bus& used = *bus;
            auto captured = std::make_shared<int>(0);
            const std::weak_ptr<int> watch = captured;
            for (auto& each : taken) {
                each = bus->subscribe(
                    [&, captured](const ping& e) {
                        if (over) std::abort();
                        if (e.left > 0) accepted += used.publish(ping{e.left - 1}).queued;
                    },
                    tidings::async.capacity(1 + random() % 3));
            }
            captured.reset();
            const bool by_timer = random() % 8 == 0;
            if (by_timer) set = bus->publish_after(std::chrono::microseconds{random() % 50}, ping{0});
            for (std::uint64_t n = random() % 4; n != 0; --n) accepted += bus->publish(ping{2}).queued;
            const bool ends_pool = random() % 4 == 0;  // a new one costs more than all else
            other_does = ends_pool && random() % 2 == 0 ? 0 : 1 + random() % 4;
            const bool other_uses_the_bus = other_does == 2 || other_does == 3;
            other.begin();
            switch (random() % 4) {
                case 0:
                    taken[1].reset();
                    break;
                case 1:
                    bus->close();
                    break;
                case 2:
                    if (ends_pool && other_does != 0) pool.reset();
                    break;
                default:
                    break;
            }
            if (!other_uses_the_bus) {
                bus.reset();
                over = true;
            }
            other.end();
            bus.reset();
            over = true;
            set = {};
            // What a worker had taken when all ended, it discards.
            const auto patience = std::chrono::steady_clock::now() + 20s;
            while ((ping::living.load() != 0 || taken[0].stats().queued + taken[1].stats().queued != 0) &&
                   std::chrono::steady_clock::now() < patience)
                std::this_thread::yield();
            if (!watch.expired()) wrong = "captures outlive everything";
            if (ping::living.load() != 0) wrong = "events outlive everything";
            std::uint64_t sum = 0;
            for (auto& each : taken) {
                if (each.stats().queued != 0) wrong = "something is still queued";
                sum += each.stats().accepted();
                each = {};
            }
            if (by_timer ? sum < accepted.load() : sum != accepted.load()) wrong = "the account does not add up";
            over = false;
        }
    }
    CHECK(wrong == "");
    REQUIRE(round == rounds);
    REQUIRE(done_by_other == rounds);
}

TEST_CASE("buses are made and destroyed while their subscriptions end on another thread") {
    struct knock {};
    std::array<tidings::subscription, 4> taken;
    std::uint64_t round = 0;
    std::uint64_t ended_by_other = 0;
    bool wrong = false;
    {
        rival other{[&] {
            for (auto& each : taken) each.reset();
            ++ended_by_other;
        }};
        for (; round != rounds && !wrong; ++round) {
            auto bus = std::make_unique<tidings::bus>();
            int calls = 0;
            auto captured = std::make_shared<int>(0);
            const std::weak_ptr<int> watch = captured;
            for (auto& each : taken) each = bus->subscribe([&calls, captured](const knock&) { ++calls; });
            captured.reset();
            bus->publish(knock{});
            other.begin();
            bus.reset();
            other.end();
            wrong = calls != 4 || !watch.expired();
            for (const auto& each : taken) wrong = wrong || each.stats().delivered != 1;
        }
    }
    CHECK_FALSE(wrong);
    REQUIRE(round == rounds);
    REQUIRE(ended_by_other == rounds);
}
