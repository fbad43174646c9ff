#include "support/captures.hpp"
#include "support/catch.hpp"
#include "support/seed.hpp"
#include "support/waiting.hpp"

#include <tidings/core/bus.hpp>
#include <tidings/core/subscription.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using tidings::reset_result;

namespace {

struct tick {
    int n = 0;
};

/// A handler of `bus` that runs on a thread of its own until it is released.
class held_handler {
public:
    explicit held_handler(tidings::bus& bus)
        : subscription{bus.subscribe([this, held = captured.copy()](const tick&) {
              entered.raise();
              support::wait_until([this] { return release.load(); });
              left = held != nullptr;
          })},
          publisher{[&bus] { bus.publish(tick{}); }} {
        entered.wait();
    }
    ~held_handler() { publisher.join(); }

    support::watched captured;
    support::flag entered;
    std::atomic<bool> release{false};
    std::atomic<bool> left{false};
    tidings::subscription subscription;
    std::thread publisher;
};

}  // namespace

TEST_CASE("reset on another thread waits for the handler and the end of its captures, for every caller") {
    tidings::bus bus;
    held_handler handler{bus};
    std::atomic<int> returned{0};
    std::vector<std::thread> resetting;
    for (int t = 0; t < 3; ++t) {
        resetting.emplace_back([&] {
            CHECK(handler.subscription.reset() == reset_result::ended);
            CHECK(handler.left);
            CHECK_FALSE(handler.captured.exists());
            ++returned;
        });
    }
    support::stay_until_waited_for(3, [&] { return returned.load() != 0; });
    CHECK(returned == 0);
    CHECK_FALSE(handler.subscription.active());
    handler.release = true;
    for (std::thread& t : resetting) t.join();
}

TEST_CASE("the destructor of a subscription is the same barrier") {
    tidings::bus bus;
    held_handler handler{bus};
    std::atomic<bool> destroyed{false};
    std::thread destroying{[&] {
        { const tidings::subscription last = std::move(handler.subscription); }
        CHECK(handler.left);
        destroyed = true;
    }};
    support::stay_until_waited_for(1, [&] { return destroyed.load(); });
    CHECK_FALSE(destroyed);
    handler.release = true;
    destroying.join();
}

TEST_CASE("the destructor of a bus is the same barrier") {
    auto bus = std::make_unique<tidings::bus>();
    held_handler handler{*bus};
    std::atomic<bool> destroyed{false};
    std::thread destroying{[&] {
        bus.reset();
        CHECK(handler.left);
        CHECK_FALSE(handler.captured.exists());
        destroyed = true;
    }};
    support::stay_until_waited_for(1, [&] { return destroyed.load(); });
    CHECK_FALSE(destroyed);
    handler.release = true;
    destroying.join();
}

TEST_CASE("a handler that ends itself is told, and its captures die when its outermost call returns") {
    tidings::bus bus;
    support::watched captured;
    tidings::subscription self;
    std::vector<reset_result> results;
    int depth = 0;
    self = bus.subscribe([&, held = captured.copy()](const tick& t) {
        ++depth;
        if (t.n < 3) bus.publish(tick{t.n + 1});
        else results.push_back(self.reset());
        CHECK(held != nullptr);
        CHECK(captured.exists());
        --depth;
    });
    auto other = bus.subscribe([&](const tick&) {
        if (depth == 0) CHECK_FALSE(captured.exists());
    });
    bus.publish(tick{0});
    CHECK(results == std::vector<reset_result>{reset_result::running_here});
    CHECK_FALSE(captured.exists());
    CHECK(self.reset() == reset_result::ended);
    CHECK(self.stats().delivered == 4);
}

TEST_CASE("two handlers that reset each other both return, one is told, and both end") {
    std::atomic<int> told{0};
    support::watched captured[2];
    std::atomic<int> entered{0};
    std::array<tidings::subscription, 2> handlers;
    std::array<reset_result, 2> results{};
    tidings::bus bus{{.on_error = [&](const tidings::handler_error& e) {
        CHECK(e.context() == nullptr);
        CHECK(e.exception() == nullptr);
        ++told;
    }}};
    for (std::size_t i = 0; i < 2; ++i) {
        handlers[i] = bus.subscribe([&, i, held = captured[i].copy()](const tick& t) {
            if (t.n != static_cast<int>(i)) return;
            ++entered;
            support::wait_until([&] { return entered.load() == 2; });
            results[i] = handlers[1 - i].reset();
        });
    }
    std::thread other{[&] { bus.publish(tick{1}); }};
    bus.publish(tick{0});
    other.join();
    CHECK(told == 1);
    CHECK(std::count(results.begin(), results.end(), reset_result::would_deadlock) == 1);
    CHECK(std::count(results.begin(), results.end(), reset_result::ended) == 1);
    CHECK_FALSE(captured[0].exists());
    CHECK_FALSE(captured[1].exists());
}

TEST_CASE("resetting another handler inside a handler ends it at once if nobody runs it") {
    tidings::bus bus;
    int calls = 0;
    support::watched captured;
    tidings::subscription later;
    auto first = bus.subscribe([&](const tick&) {
        CHECK(later.reset() == reset_result::ended);
        CHECK_FALSE(captured.exists());
    });
    later = bus.subscribe([&, held = captured.copy()](const tick&) { ++calls; });
    CHECK(bus.publish(tick{}).handled == 1);
    CHECK(calls == 0);
    CHECK(later.stats().delivered == 0);
}

TEST_CASE("captures may use the bus as they die, also when a publisher destroys them") {
    tidings::bus bus;
    struct farewell {};
    int farewells = 0;
    auto hears = bus.subscribe([&](const farewell&) { ++farewells; });
    tidings::subscription self;
    tidings::subscription newcomer;
    self = bus.subscribe([&, last = support::at_end{[&] {
                                 bus.publish(farewell{});
                                 newcomer = bus.subscribe([](const tick&) {});
                             }}](const tick&) { self.reset(); });
    bus.publish(tick{});
    CHECK(farewells == 1);
    CHECK(newcomer.active());
}

TEST_CASE("a subscription moves, swaps, and may be assigned to itself") {
    tidings::bus bus;
    int a_calls = 0;
    int b_calls = 0;
    tidings::subscription a = bus.subscribe([&](const tick&) { ++a_calls; });
    tidings::subscription b = bus.subscribe([&](const tick&) { ++b_calls; });
    a.swap(b);
    a.reset();
    bus.publish(tick{});
    CHECK((a_calls == 1 && b_calls == 0));
    tidings::subscription& same = b;
    b = std::move(same);
    CHECK(b.active());
    a = std::move(b);
    CHECK((a.active() && !b.active()));  // NOLINT(bugprone-use-after-move): moved from is subscribed to nothing
    CHECK(b.reset() == reset_result::ended);
    b = bus.subscribe([](const tick&) {});
    a = std::move(b);  // ends what it had
    bus.publish(tick{});
    CHECK(a_calls == 1);
}

TEST_CASE("a hundred thousand subscriptions are made and torn down in any order") {
    const std::uint64_t seed = support::fresh_seed("torn down");
    tidings::bus bus;
    for (const std::string order : {"first to last", "last to first", "random"}) {
        std::vector<tidings::subscription> all;
        for (int n = 0; n < 100'000; ++n) all.push_back(bus.subscribe([](const tick&) {}));
        CHECK(bus.publish(tick{}).handled == 100'000);
        if (order == "last to first") std::reverse(all.begin(), all.end());
        if (order == "random") std::shuffle(all.begin(), all.end(), std::mt19937_64{seed});
        for (std::size_t n = 0; n < all.size(); ++n) {
            all[n].reset();
            if (n == 50'000) CHECK(bus.publish(tick{}).handled == 49'999);
        }
        CHECK(bus.publish(tick{}).handled == 0);
    }
}
