#include "support/captures.hpp"
#include "support/catch.hpp"

#include <tidings/core/bus.hpp>
#include <tidings/core/timer.hpp>
#include <tidings/executor/inline_executor.hpp>
#include <tidings/executor/manual_executor.hpp>
#include <tidings/testing/simulation.hpp>
#include <tidings/topic/topic.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;

struct tick {
    int n = 0;
};

/// A bus whose time moves when it is told to.
struct world {
    tidings::testing::simulation sim{1};
    tidings::bus bus{{.executor = sim.executor(), .clock = sim.clock()}};
};

/// Throws when it is copied, and counts itself.
struct fragile {
    explicit fragile(int& count) : living{&count} { ++*living; }
    fragile(const fragile& other) : living{other.living} {
        if (throws) throw std::runtime_error{"copy"};
        ++*living;
    }
    fragile& operator=(const fragile&) = delete;
    ~fragile() { --*living; }
    int* living;
    static inline bool throws = false;
};

}  // namespace

TEST_CASE("an event is published when its time has come, not before, and once") {
    world w;
    std::vector<int> seen;
    auto taken = w.bus.subscribe([&](const tick& t) { seen.push_back(t.n); });
    tidings::timer late = w.bus.publish_after(10ms, tick{2});
    tidings::timer early = w.bus.publish_after(5ms, tick{1});
    CHECK((late.pending() && early.pending()));
    w.sim.advance(4ms);
    CHECK(seen.empty());
    w.sim.advance(1ms);
    CHECK(seen == std::vector<int>{1});
    CHECK_FALSE(early.pending());
    w.sim.advance(1h);
    CHECK(seen == std::vector<int>{1, 2});
    CHECK(early.cancel() == tidings::reset_result::ended);
}

TEST_CASE("an event that a timer cannot publish is told to on_error") {
    int living = 0;
    std::vector<std::string> told;
    {
        tidings::testing::simulation sim{1};
        tidings::bus bus{{.executor = sim.executor(),
                          .clock = sim.clock(),
                          .on_error = [&](const tidings::handler_error& e) { told.emplace_back(e.event_type()); }}};
        int handled = 0;
        auto taken = bus.subscribe([&](const fragile&) { ++handled; }, tidings::async);
        static_cast<void>(bus.publish_after(1ms, fragile{living}));
        fragile::throws = true;
        sim.advance(1ms);
        fragile::throws = false;
        CHECK(handled == 0);
        REQUIRE(told.size() == 1);
        CHECK(told.front().find("fragile") != std::string::npos);
    }
    CHECK(living == 0);
}

TEST_CASE("a repeated timer that cannot be set again ends, and says so") {
    struct full_clock final : tidings::detail::clock_port {
        explicit full_clock(std::shared_ptr<clock_port> clock) : home{std::move(clock)} {}
        std::chrono::steady_clock::time_point now() const noexcept override { return home->now(); }
        std::chrono::system_clock::time_point system_now() const noexcept override { return home->system_now(); }
        void call_at(tidings::detail::alarm& a, std::chrono::steady_clock::time_point due) override {
            if (room-- == 0) throw std::bad_alloc{};
            home->call_at(a, due);
        }
        bool cancel(tidings::detail::alarm& a) noexcept override { return home->cancel(a); }
        const std::shared_ptr<clock_port> home;
        int room = 2;
    };
    tidings::testing::simulation sim{1};
    std::vector<std::string> told;
    int rung = 0;
    tidings::bus bus{{.executor = sim.executor(),
                      .clock = tidings::clock_ref{std::make_shared<full_clock>(sim.clock().port())},
                      .on_error = [&](const tidings::handler_error& e) { told.emplace_back(e.what()); }}};
    auto taken = bus.subscribe([&](const tick&) { ++rung; });
    tidings::timer set = bus.publish_every(1ms, tick{});
    sim.advance(10ms);
    CHECK(rung == 2);
    CHECK_FALSE(set.pending());
    REQUIRE(told.size() == 1);
    CHECK(told.front().find("no memory") != std::string::npos);
}

TEST_CASE("timers of one moment ring in the order in which they were set, and the past is now") {
    world w;
    std::vector<int> seen;
    auto taken = w.bus.subscribe([&](const tick& t) { seen.push_back(t.n); });
    for (int n = 1; n <= 3; ++n) static_cast<void>(w.bus.publish_after(1ms, tick{n}));
    static_cast<void>(w.bus.publish_after(-1s, tick{0}));
    w.sim.advance(1ms);
    CHECK(seen.size() == 4);
    CHECK(seen.front() == 0);
}

TEST_CASE("a destroyed timer rings, a cancelled one does not, and its event is gone") {
    world w;
    int rung = 0;
    support::watched kept;
    support::watched given_up;
    auto taken = w.bus.subscribe([&](const std::shared_ptr<int>&) { ++rung; });
    { tidings::timer passing = w.bus.publish_after(1ms, kept.copy()); }
    tidings::timer never = w.bus.publish_after(1ms, given_up.copy());
    CHECK((kept.exists() && given_up.exists()));
    CHECK(never.cancel() == tidings::reset_result::ended);
    CHECK_FALSE(given_up.exists());
    w.sim.advance(1s);
    CHECK(rung == 1);
    CHECK_FALSE(kept.exists());
    CHECK(tidings::timer{}.cancel() == tidings::reset_result::ended);
}

TEST_CASE("a repeated timer rings once a period until it is cancelled, by its own handler, too") {
    world w;
    int rung = 0;
    std::optional<tidings::reset_result> told;
    tidings::timer set;
    auto taken = w.bus.subscribe([&](const tick&) {
        if (++rung == 3) told = set.cancel();
    });
    set = w.bus.publish_every(10ms, tick{});
    w.sim.advance(9ms);
    CHECK(rung == 0);
    w.sim.advance(11ms);
    CHECK(rung == 2);
    w.sim.advance(1s);
    CHECK(rung == 3);
    CHECK(told == tidings::reset_result::running_here);
    CHECK_FALSE(set.pending());
}

TEST_CASE("a period of nothing, and one in the past, are a nanosecond") {
    world w;
    int rung = 0;
    tidings::timer set;
    auto taken = w.bus.subscribe([&](const tick&) {
        if (++rung == 5) set.cancel();
    });
    set = w.bus.publish_every(-1s, tick{});
    w.sim.advance(1us);
    CHECK(rung == 5);
}

TEST_CASE("times that are too far away are far away") {
    world w;
    int rung = 0;
    auto taken = w.bus.subscribe([&](const tick&) { ++rung; });
    auto set = w.bus.publish_after(std::chrono::nanoseconds::max(), tick{});
    auto again = w.bus.publish_every(std::chrono::nanoseconds::max(), tick{});
    auto day = w.bus.publish_at(std::chrono::system_clock::time_point::max(), tick{});
    w.sim.advance(24h);
    CHECK(rung == 0);
    CHECK(w.bus.drain_for(std::chrono::hours::max()));
}

TEST_CASE("a timer rings at a time of day") {
    world w;
    int rung = 0;
    auto taken = w.bus.subscribe([&](const tick&) { ++rung; });
    auto set = w.bus.publish_at(w.sim.clock().port()->system_now() + 10ms, tick{});
    w.sim.advance(9ms);
    CHECK(rung == 0);
    w.sim.advance(2ms);
    CHECK(rung == 1);
}

TEST_CASE("the event whose handler set the timer is its cause") {
    struct request {};
    world w;
    tidings::event_id cause;
    tidings::event_id caused_by;
    tidings::event_id correlation;
    auto sets = w.bus.subscribe([&](const request&, const tidings::context& c) {
        cause = c.id();
        static_cast<void>(w.bus.publish_after(1ms, tick{}));
    });
    auto rings = w.bus.subscribe([&](const tick&, const tidings::context& c) {
        caused_by = c.causation_id();
        correlation = c.correlation_id();
    });
    w.bus.publish(request{});
    w.sim.advance(1ms);
    CHECK(cause != tidings::event_id{});
    CHECK(caused_by == cause);
    CHECK(correlation == cause);
}

TEST_CASE("the end of the bus is the end of its timers") {
    tidings::testing::simulation sim{1};
    std::optional<tidings::bus> bus{std::in_place,
                                    tidings::bus_options{.executor = sim.executor(), .clock = sim.clock()}};
    support::watched captured;
    tidings::timer set = bus->publish_after(1ms, captured.copy());
    bus.reset();
    CHECK_FALSE(captured.exists());
    CHECK_FALSE(set.pending());
    CHECK(set.cancel() == tidings::reset_result::ended);
    sim.advance(1s);
}

TEST_CASE("a timer that has rung and waits for the executor can be taken back") {
    tidings::testing::simulation sim{1};
    tidings::manual_executor loop;
    tidings::bus bus{{.executor = loop, .clock = sim.clock()}};
    int rung = 0;
    support::watched captured;
    auto taken = bus.subscribe([&](const std::shared_ptr<int>&) { ++rung; });
    tidings::timer set = bus.publish_after(1ms, captured.copy());
    sim.advance(1ms);
    CHECK(loop.size() == 1);
    CHECK(set.cancel() == tidings::reset_result::ended);
    CHECK_FALSE(captured.exists());
    loop.run();
    CHECK(rung == 0);
}

TEST_CASE("an event whose copy throws sets no timer, and keeps no bus alive") {
    int living = 0;
    support::watched captured;
    {
        tidings::testing::simulation sim{1};
        tidings::bus bus{{.executor = sim.executor(),
                          .clock = sim.clock(),
                          .on_error = [held = captured.copy()](const tidings::handler_error&) {}}};
        const fragile event{living};
        fragile::throws = true;
        CHECK_THROWS_AS(bus.publish_after(1ms, event), std::runtime_error);
        fragile::throws = false;
        CHECK(living == 1);
    }
    CHECK_FALSE(captured.exists());
    CHECK(living == 0);
}

TEST_CASE("what is said of a later event is kept until then") {
    world w;
    struct told {
        std::string text;
        tidings::event_id id, correlation, causation;
    };
    std::vector<told> seen;
    const auto look = [&](const tidings::any_event&, const tidings::context& c) {
        seen.push_back({std::string{c.topic()} + '|' + std::string{c.key()} + '|' + std::string{c.source()} + '|' +
                            std::string{c.header("h")},
                        c.id(), c.correlation_id(), c.causation_id()});
    };
    const std::string longer(100, 'x');
    auto taken = w.bus.subscribe(tidings::topic{"a.#"}, look);
    {
        std::string topic = "a.b";
        std::string key = longer;
        const tidings::publish_options said{.topic = topic,
                                            .key = key,
                                            .source = "s",
                                            .id = {1, 1},
                                            .correlation_id = {2, 2},
                                            .causation_id = {3, 3},
                                            .headers = {{"h", longer}}};
        static_cast<void>(w.bus.publish_after(1ms, tick{1}, said));
        static_cast<void>(w.bus.publish_at(w.sim.now() + 2ms, tick{2}, said));
        static_cast<void>(w.bus.publish_at(std::chrono::system_clock::time_point{}, tick{3}, said));
        static_cast<void>(w.bus.publish_every(3ms, tick{4}, said));
        topic = "zzz";
        key = "zzz";
    }
    w.sim.advance(6ms);
    REQUIRE(seen.size() == 5);
    for (const told& each : seen) {
        CHECK(each.text == "a.b|" + longer + "|s|" + longer);
        CHECK(each.correlation == tidings::event_id{2, 2});
        CHECK(each.causation == tidings::event_id{3, 3});
    }
    for (const std::size_t n : {0U, 1U, 2U}) CHECK(seen[n].id == tidings::event_id{1, 1});
    CHECK(seen[3].id != tidings::event_id{1, 1});
    CHECK(seen[3].id < seen[4].id);
}

TEST_CASE("texts may be a later event's own, and what is left out is inherited from the handler that sets the timer") {
    world w;
    struct order {
        std::string customer;
    };
    std::vector<std::string> keys;
    tidings::event_id cause;
    tidings::event_id causation;
    tidings::event_id correlation;
    auto looks = w.bus.subscribe([&](const order& o, const tidings::context& c) {
        keys.emplace_back(c.key());
        CHECK(c.key() == o.customer);
        causation = c.causation_id();
        correlation = c.correlation_id();
    });
    auto sets = w.bus.subscribe([&](const tick&, const tidings::context& c) {
        cause = c.id();
        order ada{"ada"};
        static_cast<void>(
            w.bus.publish_after(1ms, std::move(ada), {.key = ada.customer, .correlation_id = {7, 7}}));  // NOLINT
    });
    w.bus.publish(tick{});
    w.sim.advance(1ms);
    CHECK(keys == std::vector<std::string>{"ada"});
    CHECK(causation == cause);
    CHECK(correlation == tidings::event_id{7, 7});
}
