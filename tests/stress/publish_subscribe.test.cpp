// Several threads publish, subscribe and unsubscribe at once; a checker follows every subscription. Under
// ThreadSanitizer it also proves that reset() orders what the handler did before what its caller does next: the
// checker reads plain variables that the handlers wrote.
#include "support/catch.hpp"
#include "support/seed.hpp"

#include <tidings/tidings.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr std::size_t publishers = 3;

struct numbered {
    std::size_t publisher = 0;
    std::uint64_t n = 0;  // from 1, without gaps
};

/// How far each publisher is: begun is set before publish, ended after it.
struct progress {
    struct alignas(64) counts {
        std::atomic<std::uint64_t> begun{0};
        std::atomic<std::uint64_t> ended{0};
    };
    std::array<counts, publishers> of;
};

/// What one subscription saw. Each publisher's part is written on that publisher's thread alone, with no lock.
struct seen {
    struct alignas(64) run {
        std::uint64_t first = 0;
        std::uint64_t last = 0;
        bool gap = false;
    };
    std::array<run, publishers> of;
    bool over = false;  // set after reset(): a handler that still runs is a race, and a failure
    bool called_when_over = false;

    void take(const numbered& e) {
        run& mine = of[e.publisher];
        if (over) called_when_over = true;
        if (mine.first == 0) mine.first = e.n;
        else if (e.n != mine.last + 1) mine.gap = true;
        mine.last = e.n;
    }
};

/// Subscribes, waits until events have come, unsubscribes, and says what was wrong.
std::string follow_one_subscription(tidings::bus& bus, const progress& all, std::mt19937_64& random) {
    seen account;
    auto captured = std::make_shared<int>(0);
    const std::weak_ptr<int> watch = captured;
    std::array<std::uint64_t, publishers> begun_at_start{};
    std::array<std::uint64_t, publishers> ended_at_end{};

    const auto subscribe = [&](seen& to) {
        const int priority = static_cast<int>(random() % 3) - 1;
        return bus.subscribe([&to, captured](const numbered& e) { to.take(e); }, tidings::sync.priority(priority));
    };
    // Neighbours of the same type, so that tables are walked in runs: they come before and after, and end first or
    // last.
    std::array<seen, 4> neighbours;
    std::vector<tidings::subscription> beside;
    for (std::size_t n = 0; n != 2; ++n) beside.push_back(subscribe(neighbours[n]));
    tidings::subscription taken = subscribe(account);
    for (std::size_t n = 2; n != 4; ++n) beside.push_back(subscribe(neighbours[n]));
    captured.reset();
    for (std::size_t p = 0; p < publishers; ++p) begun_at_start[p] = all.of[p].begun.load();
    const std::uint64_t enough = random() % 4;
    while (all.of[0].ended.load() < begun_at_start[0] + enough) std::this_thread::yield();
    for (std::size_t p = 0; p < publishers; ++p) ended_at_end[p] = all.of[p].ended.load();
    const bool neighbours_first = random() % 2 == 0;
    const auto end_neighbours = [&] {
        for (std::size_t n = 0; n != beside.size(); ++n) {
            if (beside[n].reset() != tidings::reset_result::ended) return false;
            neighbours[n].over = true;
        }
        return true;
    };
    if (neighbours_first && !end_neighbours()) return "reset() of a neighbour did not wait";
    if (taken.reset() != tidings::reset_result::ended) return "reset() did not wait";
    account.over = true;
    if (!neighbours_first && !end_neighbours()) return "reset() of a neighbour did not wait";
    if (!watch.expired()) return "the captures live after reset()";

    for (const seen& neighbour : neighbours) {
        if (neighbour.called_when_over) return "a neighbour was called after reset()";
        for (const seen::run& run : neighbour.of)
            if (run.gap) return "a gap in what a neighbour saw";
    }
    for (std::size_t p = 0; p < publishers; ++p) {
        const seen::run& run = account.of[p];
        if (run.gap) return "a gap in a publisher's events";
        // Whatever was published wholly between subscribe() and reset() came.
        if (ended_at_end[p] > begun_at_start[p]) {
            if (run.first == 0 || run.first > begun_at_start[p] + 1) return "an event after subscribe() was missed";
            if (run.last < ended_at_end[p]) return "an event before reset() was missed";
        }
    }
    if (account.called_when_over) return "called after reset()";
    if (taken.stats().failed != 0) return "a failure out of nowhere";
    return {};
}

}  // namespace

TEST_CASE("each subscription sees a gapless run of each publisher's events and nothing after reset()") {
    const std::uint64_t seed = support::fresh_seed("subscriptions");
    constexpr int rounds = 2'000;
    constexpr std::size_t subscribers = 3;

    tidings::bus bus;
    progress all;
    std::atomic<bool> stop{false};
    std::vector<std::thread> threads;
    for (std::size_t p = 0; p < publishers; ++p) {
        threads.emplace_back([&, p] {
            for (std::uint64_t n = 1; !stop.load(std::memory_order_relaxed); ++n) {
                all.of[p].begun.store(n);
                bus.publish(numbered{p, n});
                all.of[p].ended.store(n);
                if (n % 64 == 0) std::this_thread::yield();
            }
        });
    }
    std::array<std::string, subscribers> wrong;
    std::vector<std::thread> following;
    for (std::size_t s = 0; s < subscribers; ++s) {
        following.emplace_back([&, s] {
            std::mt19937_64 random{seed + s};
            for (int round = 0; round < rounds && wrong[s].empty(); ++round)
                wrong[s] = follow_one_subscription(bus, all, random);
        });
    }
    for (std::thread& t : following) t.join();
    stop = true;
    for (std::thread& t : threads) t.join();
    for (const std::string& what : wrong) CHECK(what == "");
}

TEST_CASE("counts are exact after threads have published, subscribed and unsubscribed at random") {
    const std::uint64_t seed = support::fresh_seed("counts");
    struct counted {
        std::atomic<std::uint64_t> calls{0};
        std::atomic<std::uint64_t> throws{0};
        tidings::subscription subscription;
    };
    tidings::bus bus{{.on_error = [](const tidings::handler_error&) {}}};
    std::vector<std::unique_ptr<counted>> kept;
    std::atomic<std::uint64_t> handled{0};
    std::atomic<std::uint64_t> failed{0};
    for (int n = 0; n < 5; ++n) {
        auto& one = *kept.emplace_back(std::make_unique<counted>());
        one.subscription = bus.subscribe([&one](const numbered& e) {
            if (e.n % 7 == 0) {
                ++one.throws;
                throw 7;
            }
            ++one.calls;
        });
    }
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < 4; ++t) {
        threads.emplace_back([&, t] {
            std::mt19937_64 random{seed + t};
            for (std::uint64_t n = 1; n <= 2'000; ++n) {
                const tidings::publish_result result = bus.publish(numbered{t, n});
                handled += result.handled;
                failed += result.failed;
                if (random() % 8 == 0) {
                    auto passing = bus.subscribe([](const numbered&) {},
                                                 tidings::sync.filter([](const numbered&) { return false; }));
                    if (random() % 2 == 0) bus.publish(numbered{t, 1});  // counted below as kept handlers' calls
                }
            }
        });
    }
    for (std::thread& t : threads) t.join();
    for (const auto& one : kept) {
        CHECK(one->subscription.stats().delivered == one->calls.load());
        CHECK(one->subscription.stats().failed == one->throws.load());
    }
    CHECK(failed.load() == 4U * (2'000 / 7) * kept.size());
    CHECK(handled.load() == 4U * (2'000 - 2'000 / 7) * kept.size());
}
