#include "support/captures.hpp"
#include "support/catch.hpp"
#include "support/seed.hpp"
#include "support/waiting.hpp"

#include <tidings/core/bus.hpp>
#include <tidings/core/delivery.hpp>
#include <tidings/executor/inline_executor.hpp>
#include <tidings/executor/manual_executor.hpp>
#include <tidings/executor/thread_pool.hpp>

#include <algorithm>
#include <atomic>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {
struct tick {
    int n = 0;
};
}  // namespace

TEST_CASE("a delivery is a value: settings change a copy") {
    constexpr auto early = tidings::sync.priority(7);
    STATIC_REQUIRE(tidings::sync.priority() == 0);
    STATIC_REQUIRE(early.priority() == 7);
    STATIC_REQUIRE(tidings::delivery<decltype(early)>);
    STATIC_REQUIRE_FALSE(tidings::delivery<int>);
}

TEST_CASE("handlers run by priority, then in the order of subscription, whatever came and went") {
    const std::uint64_t seed = support::fresh_seed("priorities");
    std::mt19937_64 random{seed};
    struct entry {
        int priority;
        int number;
        tidings::subscription taken;
    };
    for (int round = 0; round < 50; ++round) {
        tidings::bus bus;
        std::vector<int> called;
        std::vector<entry> model;  // kept in the expected order
        for (int step = 0; step < 60; ++step) {
            if (random() % 3 != 0 || model.empty()) {
                static constexpr int choices[] = {INT_MIN, -1, 0, 0, 1, INT_MAX};
                const int priority = choices[random() % 6];
                const auto place =
                    std::find_if(model.begin(), model.end(), [&](const entry& e) { return e.priority < priority; });
                model.insert(place, entry{priority, step,
                                          bus.subscribe([&called, step](const tick&) { called.push_back(step); },
                                                        tidings::sync.priority(priority))});
            } else {
                model.erase(model.begin() + static_cast<std::ptrdiff_t>(random() % model.size()));
            }
            if (random() % 2 == 0) {
                called.clear();
                const auto result = bus.publish(tick{});
                std::vector<int> expected;
                for (const entry& e : model) expected.push_back(e.number);
                REQUIRE(called == expected);
                REQUIRE(result.handled == expected.size());
            }
        }
    }
}

TEST_CASE("a filtered event is neither handled nor failed") {
    tidings::bus bus;
    std::vector<int> seen;
    auto taken = bus.subscribe([&](const tick& t) { seen.push_back(t.n); },
                               tidings::sync.filter([](const tick& t) { return t.n % 2 == 0; }));
    CHECK(bus.publish(tick{1}) == tidings::publish_result{});
    CHECK(bus.publish(tick{2}).handled == 1);
    CHECK(seen == std::vector<int>{2});
    CHECK(taken.stats() == tidings::subscription_stats{.delivered = 1, .failed = 0});
}

TEST_CASE("two filters must both pass, and the second is not asked if the first declines") {
    tidings::bus bus;
    int asked = 0;
    int handled = 0;
    auto taken = bus.subscribe(
        [&](const tick&) { ++handled; },
        tidings::sync.filter([](const tick& t) { return t.n > 10; }).priority(3).filter([&](const tick& t) {
            ++asked;
            return t.n < 20;
        }));
    for (const int n : {5, 15, 25}) bus.publish(tick{n});
    CHECK(asked == 2);
    CHECK(handled == 1);
}

TEST_CASE("a filter that throws is the handler's failure") {
    std::string what;
    tidings::bus bus{{.on_error = [&](const tidings::handler_error& e) { what = e.what(); }}};
    auto taken = bus.subscribe([](const tick&) {},
                               tidings::sync.filter([](const tick&) -> bool { throw std::runtime_error{"filter"}; }));
    CHECK(bus.publish(tick{}).failed == 1);
    CHECK(what == "filter");
    CHECK(taken.stats().failed == 1);
}

TEST_CASE("what a filter captured goes with the handler") {
    tidings::bus bus;
    support::watched captured;
    auto taken = bus.subscribe([](const tick&) {},
                               tidings::sync.filter([held = captured.copy()](const tick&) { return held != nullptr; }));
    bus.publish(tick{});
    CHECK(captured.exists());
    taken.reset();
    CHECK_FALSE(captured.exists());
}

// --- Through a queue -----------------------------------------------------------------------------------------------

namespace {

/// Can be moved and not copied, although it is trivially copyable to the language.
struct ticket {
    explicit ticket(int number) noexcept : n{number} {}
    ticket(ticket&&) = default;
    ticket(const ticket&) = delete;
    ticket& operator=(ticket&&) = default;
    ticket& operator=(const ticket&) = delete;
    int n;
};

}  // namespace

TEST_CASE("an async delivery is a value: settings change a copy") {
    constexpr auto changed = tidings::async.capacity(0).concurrency(0).priority(3);
    STATIC_REQUIRE(tidings::async.settings().capacity == 1'024);
    STATIC_REQUIRE(tidings::async.settings().when_full == tidings::overflow::block);
    STATIC_REQUIRE(changed.settings().capacity == 1);
    STATIC_REQUIRE(changed.settings().concurrency == 1);
    STATIC_REQUIRE(changed.settings().priority == 3);
    STATIC_REQUIRE(tidings::delivery<decltype(tidings::async.ordered_by(&tick::n))>);
}

TEST_CASE("a queue accepts at once and handles on its executor, in order") {
    tidings::manual_executor loop;
    tidings::bus bus{{.executor = loop}};
    std::vector<int> seen;
    auto taken = bus.subscribe([&](const tick& t) { seen.push_back(t.n); }, tidings::async);
    for (int n = 0; n < 200; ++n) CHECK(bus.publish(tick{n}) == tidings::publish_result{.queued = 1});
    CHECK(seen.empty());
    CHECK(taken.stats().queued == 200);
    loop.run();
    REQUIRE(seen.size() == 200);
    CHECK(std::is_sorted(seen.begin(), seen.end()));
    CHECK(taken.stats().delivered == 200);
    CHECK(taken.stats().high_water == 200);
}

TEST_CASE("a capacity is exact, whatever the policy") {
    for (const std::size_t capacity : {1U, 2U, 5U, 17U}) {
        tidings::manual_executor loop;
        tidings::bus bus{{.executor = loop}};
        std::vector<int> oldest;
        std::vector<int> newest;
        std::vector<int> by_key;
        const auto how = tidings::async.capacity(capacity);
        auto a =
            bus.subscribe([&](const tick& t) { oldest.push_back(t.n); }, how.when_full(tidings::overflow::drop_newest));
        auto b =
            bus.subscribe([&](const tick& t) { newest.push_back(t.n); }, how.when_full(tidings::overflow::drop_oldest));
        auto c = bus.subscribe([](const tick&) {}, how.when_full(tidings::overflow::reject));
        auto d = bus.subscribe(
            [&](const tick& t) { by_key.push_back(t.n); },
            how.when_full(tidings::overflow::drop_oldest).ordered_by([](const tick& t) { return t.n % 3; }));
        const int more = static_cast<int>(capacity) + 4;
        for (int n = 0; n < more; ++n) bus.publish(tick{n});
        loop.run();
        CHECK((oldest.size() == capacity && oldest.front() == 0));
        CHECK((newest.size() == capacity && newest.back() == more - 1));
        CHECK(by_key.size() == capacity);
        for (const int n : by_key) CHECK(n >= more - static_cast<int>(capacity));
        CHECK(c.stats().rejected == 4);
        CHECK((a.stats().dropped == 4 && b.stats().dropped == 4 && d.stats().dropped == 4));
    }
}

TEST_CASE("events of one key keep their order, and a key that ended begins anew") {
    tidings::manual_executor loop;
    tidings::bus bus{{.executor = loop}};
    std::vector<int> seen;
    auto taken = bus.subscribe([&](const tick& t) { seen.push_back(t.n); },
                               tidings::async.ordered_by([](const tick& t) { return t.n % 10; }));
    for (int round = 0; round < 3; ++round) {
        seen.clear();
        for (int n = 0; n < 1'000; ++n) bus.publish(tick{n});
        loop.run();
        REQUIRE(seen.size() == 1'000);
        std::vector<int> last(10, -1);
        for (const int n : seen) {
            CHECK(n > last[static_cast<std::size_t>(n % 10)]);
            last[static_cast<std::size_t>(n % 10)] = n;
        }
    }
}

TEST_CASE("an event that can only be moved goes into one queue or several") {
    tidings::manual_executor loop;
    tidings::bus bus{{.executor = loop, .on_error = [](const tidings::handler_error&) {}}};
    int sum = 0;
    auto trivial = bus.subscribe([&](const ticket& t) { sum += t.n; }, tidings::async);
    auto owning = bus.subscribe([&](const std::unique_ptr<int>& p) { sum += *p; }, tidings::async);
    auto again = bus.subscribe([&](const std::unique_ptr<int>& p) { sum += *p; }, tidings::async);
    auto sync = bus.subscribe([&](const std::unique_ptr<int>& p) { sum += *p; });
    CHECK(bus.publish(ticket{1}).queued == 1);
    CHECK(bus.publish(std::make_unique<int>(10)) == tidings::publish_result{.handled = 1, .queued = 2});
    loop.run();
    CHECK(sum == 31);
    const ticket kept{5};
    CHECK(bus.publish(kept) == tidings::publish_result{.rejected = 1});
    CHECK(trivial.stats().rejected == 1);
}

TEST_CASE("a move that throws out of publish() is no publish: nobody was called, and nothing is counted") {
    struct fragile {
        fragile() = default;
        fragile(const fragile&) = default;
        fragile(fragile&& other) : n{other.n} {
            if (n == 0) throw std::runtime_error{"move"};
        }
        fragile& operator=(const fragile&) = default;
        std::vector<int> not_trivial;
        int n = 0;
    };
    tidings::manual_executor loop;
    tidings::bus bus{{.executor = loop}};
    int calls = 0;
    auto queued = bus.subscribe([](const fragile&) {}, tidings::async);
    auto sync = bus.subscribe([&](const fragile&) { ++calls; });
    CHECK_THROWS_AS(bus.publish(fragile{}), std::runtime_error);
    CHECK(calls == 0);
    CHECK(sync.stats() == tidings::subscription_stats{});
    CHECK(queued.stats() == tidings::subscription_stats{});
    CHECK(bus.stats() == tidings::bus_stats{});
    const fragile whole;
    CHECK(bus.publish(whole) == tidings::publish_result{.handled = 1, .queued = 1});
}

TEST_CASE("a filter and a key that throw reject the event; a handler that throws fails it") {
    tidings::manual_executor loop;
    std::vector<std::string> told;
    tidings::bus bus{
        {.executor = loop, .on_error = [&](const tidings::handler_error& e) { told.push_back(e.what()); }}};
    auto filtered = bus.subscribe([](const tick&) {}, tidings::async.filter([](const tick& t) {
        if (t.n == 1) throw std::runtime_error{"filter"};
        return t.n != 2;
    }));
    auto keyed = bus.subscribe([](const tick&) {}, tidings::async.ordered_by([](const tick& t) {
        if (t.n == 1) throw std::runtime_error{"key"};
        return t.n;
    }));
    auto fails = bus.subscribe(
        [](const tick& t) {
            if (t.n == 1) throw std::runtime_error{"handler"};
        },
        tidings::async);
    CHECK(bus.publish(tick{1}) == tidings::publish_result{.queued = 1, .rejected = 2});
    CHECK(bus.publish(tick{2}) == tidings::publish_result{.queued = 2});
    CHECK(bus.publish(tick{3}) == tidings::publish_result{.queued = 3});
    loop.run();
    CHECK(told == std::vector<std::string>{"filter", "key", "handler"});
    CHECK((filtered.stats().rejected == 1 && filtered.stats().delivered == 1));
    CHECK((keyed.stats().rejected == 1 && keyed.stats().delivered == 2));
    CHECK((fails.stats().failed == 1 && fails.stats().delivered == 2));
}

TEST_CASE("queues are filled before handlers on the publisher's thread run, by priority") {
    tidings::inline_executor here;
    tidings::bus bus{{.executor = here}};
    std::string trace;
    auto sync = bus.subscribe([&](const tick&) { trace += 's'; }, tidings::sync.priority(100));
    auto late = bus.subscribe([&](const tick&) { trace += 'l'; }, tidings::async.priority(-1));
    auto first = bus.subscribe([&](const tick&) { trace += 'f'; }, tidings::async.priority(1));
    bus.publish(tick{});
    CHECK(trace == "fls");
}

TEST_CASE("the loop's own thread makes room for itself; a task of the loop is turned away") {
    tidings::manual_executor loop;
    std::string told;
    tidings::bus bus{{.executor = loop, .on_error = [&](const tidings::handler_error& e) { told = e.what(); }}};
    int handled = 0;
    auto taken = bus.subscribe([&](const tick&) { ++handled; }, tidings::async.capacity(2));
    for (int n = 0; n < 10; ++n) CHECK(bus.publish(tick{n}).queued == 1);
    CHECK(handled >= 8);
    loop.run();
    std::uint32_t rejected = 0;
    loop.post([&] {
        for (int n = 0; n < 3; ++n) rejected += bus.publish(tick{n}).rejected;
    });
    loop.run();
    CHECK(rejected == 1);
    CHECK_FALSE(told.empty());
    CHECK(handled == 12);
}

TEST_CASE("reset of a queued subscription discards what waits, and destroys it") {
    tidings::manual_executor loop;
    tidings::bus bus{{.executor = loop}};
    support::watched event;
    support::watched captured;
    auto taken = bus.subscribe([held = captured.copy()](const std::shared_ptr<int>&) {}, tidings::async);
    bus.publish(event.copy());
    CHECK(taken.reset() == tidings::reset_result::ended);
    CHECK_FALSE(event.exists());
    CHECK_FALSE(captured.exists());
    CHECK(taken.stats() == tidings::subscription_stats{.discarded = 1, .high_water = 1});
    loop.run();
}

TEST_CASE("an executor that is gone discards what waits and what comes, with keys or without") {
    std::optional<tidings::manual_executor> loop{std::in_place};
    tidings::bus bus;
    const auto how = tidings::async.on(*loop).capacity(2);
    auto plain = bus.subscribe([](const tick&) {}, how);
    auto keyed = bus.subscribe([](const tick&) {}, how.ordered_by(&tick::n));
    bus.publish(tick{1});
    loop.reset();
    for (int n = 0; n < 5; ++n) CHECK(bus.publish(tick{1}).queued == 2);
    bus.drain();
    CHECK(plain.stats().discarded == 6);
    CHECK(keyed.stats().discarded == 6);
}

TEST_CASE("a slow subscriber holds up no other") {
    tidings::thread_pool pool{2};
    tidings::bus bus{{.executor = pool}};
    support::flag gate;
    std::atomic<int> quick_ones{0};
    auto slow = bus.subscribe([&](const tick&) { gate.wait(); },
                              tidings::async.capacity(1).when_full(tidings::overflow::reject));
    auto quick = bus.subscribe([&](const tick&) { ++quick_ones; }, tidings::async.capacity(10));
    for (int n = 0; n < 1'000; ++n) bus.publish(tick{n});
    support::wait_until([&] { return quick_ones == 1'000; });
    CHECK(slow.stats().delivered == 0);
    gate.raise();
    bus.drain();
    CHECK(slow.stats().delivered + slow.stats().rejected == 1'000);
    CHECK(slow.stats().rejected >= 998);
}

TEST_CASE("drain in a handler throws, and a drained bus is drained at once") {
    tidings::inline_executor here;
    tidings::bus bus{{.executor = here}};
    bool threw = false;
    auto taken = bus.subscribe(
        [&](const tick&) {
            try {
                bus.drain();
            } catch (const tidings::error& e) {
                threw = e.code() == tidings::errc::would_deadlock;
            }
        },
        tidings::async);
    bus.drain();
    bus.publish(tick{});
    CHECK(threw);
    bus.drain();
}

TEST_CASE("an event that publishes as it dies leaves the next one its own id") {
    struct dying {
        dying(tidings::bus& b, bool last_words) : bus{&b}, speaks{last_words} {}
        dying(const dying&) = default;
        dying(dying&& other) noexcept : bus{other.bus}, speaks{std::exchange(other.speaks, false)} {}
        dying& operator=(const dying&) = delete;
        ~dying() {
            if (speaks) bus->publish(tick{});
        }
        tidings::bus* bus;
        mutable bool speaks;
    };
    tidings::manual_executor loop;
    tidings::bus bus{{.executor = loop}};
    std::vector<tidings::event_id> first;
    auto asks = bus.subscribe([](const tick&, const tidings::context& c) { static_cast<void>(c.causation_id()); });
    auto a = bus.subscribe([&](const dying&, const tidings::context& c) { first.push_back(c.id()); }, tidings::async);
    for (int n = 0; n < 3; ++n) bus.publish(dying{bus, true}, {.id = tidings::event_id{7, std::uint64_t(n) + 1}});
    loop.run();
    REQUIRE(first.size() == 3);
    for (std::size_t n = 0; n < 3; ++n) CHECK(first[n] == tidings::event_id{7, n + 1});
}

TEST_CASE("a pool that ends waits for the handler that runs, not for the events behind it") {
    support::flag began;
    support::flag go_on;
    std::atomic<int> calls{0};
    auto pool = std::make_unique<tidings::thread_pool>(1);
    const auto port = pool->port();
    tidings::bus bus{{.executor = *pool}};
    const auto taken = bus.subscribe(
        [&](const tick&) {
            if (calls.fetch_add(1) != 0) return;
            began.raise();
            go_on.wait();
        },
        tidings::async);
    support::flag gate;
    pool->post([&] { gate.wait(); });  // so that the first batch has many
    for (int n = 0; n < 100; ++n) bus.publish(tick{});
    gate.raise();
    began.wait();
    std::thread destroyer{[&] { pool.reset(); }};
    support::wait_until([&] { return port->is_ending(); });
    go_on.raise();
    destroyer.join();
    CHECK(calls == 1);
    CHECK(taken.stats().delivered == 1);
    CHECK(taken.stats().discarded == 99);
}

TEST_CASE("a callback of a user's executor that tells so does not wait for itself") {
    struct loop_of_ones_own {
        std::deque<tidings::task> tasks;
        void post(tidings::task t) { tasks.push_back(std::move(t)); }
        bool running = false;
        bool runs_here() const noexcept { return running; }
        void run() {
            for (running = true; !tasks.empty(); tasks.pop_front()) tasks.front()();
            running = false;
        }
    };
    loop_of_ones_own loop;
    tidings::bus bus{{.on_error = [](const tidings::handler_error&) {}}};
    int calls = 0;
    const auto s = bus.subscribe([&](const tick&) { ++calls; }, tidings::async.on(loop).capacity(1));
    bool refused = false;
    loop.post([&] {
        CHECK(bus.publish(tick{}).queued == 1);
        CHECK(bus.publish(tick{}).rejected == 1);
        try {
            bus.drain();
        } catch (const tidings::error& e) {
            refused = e.code() == tidings::errc::would_deadlock;
        }
    });
    loop.run();
    CHECK(refused);
    CHECK(calls == 1);
}

TEST_CASE("drain() in a task of the loop that it would wait for is refused") {
    tidings::manual_executor loop;
    tidings::bus bus{{.executor = loop}};
    int calls = 0;
    const auto s = bus.subscribe([&](const tick&) { ++calls; }, tidings::async);
    bool refused = false;
    loop.post([&] {
        try {
            bus.drain();
        } catch (const tidings::error& e) {
            refused = e.code() == tidings::errc::would_deadlock;
        }
    });
    bus.publish(tick{});
    loop.run();
    CHECK(refused);
    CHECK(calls == 1);
}
