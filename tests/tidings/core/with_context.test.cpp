#include "support/allocations.hpp"
#include "support/captures.hpp"
#include "support/catch.hpp"
#include "support/waiting.hpp"

#include <tidings/core/bus.hpp>
#include <tidings/core/context.hpp>
#include <tidings/core/lineage.hpp>
#include <tidings/core/with_context.hpp>
#include <tidings/executor/manual_executor.hpp>
#include <tidings/executor/thread_pool.hpp>
#include <tidings/topic/topic.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <type_traits>
#include <vector>

namespace {

using namespace std::chrono_literals;
using tidings::event_id;
using tidings::lineage;
using tidings::with_context;

struct first {
    std::string text{};
};
struct second {};

/// As from a random generator elsewhere: it sorts after every id that is made here.
constexpr event_id trace{0xFFFF'FFFF'FFFF'FFFF, 0xABCD};
constexpr event_id span{0, 0x1234};
constexpr lineage outside{.correlation_id = trace, .causation_id = span};

/// Subscribes to E and keeps what it inherits.
template <class E, class D = tidings::sync_delivery<>>
struct listener {
    explicit listener(tidings::bus& bus, D how = {})
        : taken{bus.subscribe(
              [this](const E&, const tidings::context& c) {
                  ids.push_back(c.id());
                  seen.push_back({.correlation_id = c.correlation_id(), .causation_id = c.causation_id()});
              },
              how)} {}
    bool is_root() const {
        return seen.back() == lineage{.correlation_id = ids.back()} && ids.back() != span && ids.back() != trace;
    }

    std::vector<event_id> ids;
    std::vector<lineage> seen;
    tidings::subscription taken;
};

}  // namespace

TEST_CASE("what is published during the call inherits, on every bus, and what comes later does not") {
    tidings::bus bus;
    tidings::bus other;
    listener<first> here{bus};
    listener<first> there{other};
    bus.publish(first{});
    CHECK(here.is_root());
    with_context(outside, [&] {
        bus.publish(first{});
        bus.publish(first{});
        other.publish(first{});
    });
    CHECK(here.seen[1] == outside);
    CHECK(here.seen[2] == outside);
    CHECK(here.ids[1] != here.ids[2]);
    CHECK(there.seen[0] == outside);
    bus.publish(first{});
    CHECK(here.is_root());
    other.publish(first{});
    CHECK(there.is_root());
}

TEST_CASE("handlers inside go on with their own event as the cause, and the correlation from outside") {
    tidings::bus bus;
    auto follows_up = bus.subscribe([&](const first&) { bus.publish(second{}); });
    listener<first> causes{bus};
    listener<second> effects{bus};
    with_context(outside, [&] { bus.publish(first{}); });
    REQUIRE(effects.seen.size() == 1);
    CHECK(causes.seen.back() == outside);
    CHECK(effects.seen.back() == lineage{.correlation_id = trace, .causation_id = causes.ids.back()});
}

TEST_CASE("through a queue, too: for the handler's thread it is as if the publisher had said so") {
    tidings::thread_pool pool{2};
    tidings::bus bus{{.executor = pool}};
    auto follows_up = bus.subscribe([&](const first&) { bus.publish(second{}); }, tidings::async);
    listener<first, tidings::async_delivery<>> causes{bus, tidings::async};
    listener<second, tidings::async_delivery<>> effects{bus, tidings::async};
    with_context(outside, [&] { bus.publish(first{}); });
    bus.publish(first{});  // of nobody's
    with_context({.correlation_id = trace}, [&] { bus.publish(first{}); });
    bus.drain();
    REQUIRE(causes.seen.size() == 3);
    REQUIRE(effects.seen.size() == 3);
    CHECK(causes.seen[0] == outside);
    CHECK(effects.seen[0] == lineage{.correlation_id = trace, .causation_id = causes.ids[0]});
    CHECK(causes.seen[1] == lineage{.correlation_id = causes.ids[1]});
    CHECK(effects.seen[1] == lineage{.correlation_id = causes.ids[1], .causation_id = causes.ids[1]});
    CHECK(causes.seen[2] == lineage{.correlation_id = trace});
    CHECK(effects.seen[2] == lineage{.correlation_id = trace, .causation_id = causes.ids[2]});
}

TEST_CASE("what the publisher says wins") {
    tidings::bus bus;
    listener<first> looks{bus};
    with_context(outside, [&] {
        bus.publish(first{}, {.correlation_id = {1, 1}});
        bus.publish(first{}, {.causation_id = {2, 2}});
        bus.publish(first{}, {.source = "s", .id = {3, 3}});
    });
    CHECK(looks.seen[0] == lineage{.correlation_id = {1, 1}, .causation_id = span});
    CHECK(looks.seen[1] == lineage{.correlation_id = trace, .causation_id = {2, 2}});
    CHECK(looks.seen[2] == outside);
    CHECK(looks.ids[2] == event_id{3, 3});
}

TEST_CASE("of one id alone the other follows, and of none nothing") {
    tidings::bus bus;
    listener<first> looks{bus};
    with_context({.correlation_id = trace}, [&] { bus.publish(first{}); });
    CHECK(looks.seen.back() == lineage{.correlation_id = trace});
    with_context({.causation_id = span}, [&] { bus.publish(first{}); });
    CHECK(looks.seen.back() == lineage{.correlation_id = span, .causation_id = span});
    with_context({}, [&] { bus.publish(first{}); });
    CHECK(looks.is_root());
    with_context(outside, [&] { with_context({}, [&] { bus.publish(first{}); }); });
    CHECK(looks.seen.back() == outside);
}

TEST_CASE("of calls inside one another the innermost counts, and what is nil in it comes from around it") {
    tidings::bus bus;
    listener<first> looks{bus};
    const lineage inner{.correlation_id = {1, 1}, .causation_id = {2, 2}};
    with_context(outside, [&] {
        with_context(inner, [&] { bus.publish(first{}); });
        CHECK(looks.seen.back() == inner);
        with_context({.correlation_id = {1, 1}}, [&] { bus.publish(first{}); });
        CHECK(looks.seen.back() == lineage{.correlation_id = {1, 1}, .causation_id = span});
        with_context({.causation_id = {2, 2}}, [&] { bus.publish(first{}); });
        CHECK(looks.seen.back() == lineage{.correlation_id = trace, .causation_id = {2, 2}});
        bus.publish(first{});
        CHECK(looks.seen.back() == outside);
    });
}

TEST_CASE("inside a handler it counts for its call, and afterwards the handler's event does") {
    tidings::bus bus;
    listener<second> looks{bus};
    event_id cause;
    auto handles = bus.subscribe([&](const first&, const tidings::context& c) {
        bus.publish(second{});
        with_context(outside, [&] { bus.publish(second{}); });
        with_context({.correlation_id = trace}, [&] { bus.publish(second{}); });
        with_context({}, [&] { bus.publish(second{}); });
        bus.publish(second{});
        cause = c.id();
    });
    bus.publish(first{});
    const lineage own{.correlation_id = cause, .causation_id = cause};
    CHECK(looks.seen == std::vector{own, outside, lineage{.correlation_id = trace, .causation_id = cause}, own, own});
}

TEST_CASE("what the body returns is returned, and what it throws comes out; then it is over") {
    tidings::bus bus;
    listener<first> looks{bus};
    int value = 3;
    static_assert(std::is_same_v<decltype(with_context(outside, [&]() -> int& { return value; })), int&>);
    CHECK(&with_context(outside, [&]() -> int& { return value; }) == &value);
    CHECK(with_context(outside, [&] { return bus.publish(first{}); }).handled == 1);
    CHECK_THROWS_AS(
        with_context(outside,
                     [&] {
                         with_context(lineage{.causation_id = {1, 1}}, [] { throw std::runtime_error{"x"}; });
                     }),
        std::runtime_error);
    bus.publish(first{});
    CHECK(looks.is_root());
}

TEST_CASE("other threads are not concerned, whether they run already or the body starts them") {
    tidings::bus bus;
    std::optional<lineage> started;
    std::optional<lineage> running;
    std::optional<lineage> own;
    support::flag inside;
    support::flag published;
    const auto look = [](std::optional<lineage>& into) {
        return [&into](const auto&, const tidings::context& c) {
            into = {.correlation_id = c.correlation_id() == c.id() ? event_id{} : c.correlation_id(),
                    .causation_id = c.causation_id()};
        };
    };
    struct by_started {};
    struct by_running {};
    auto a = bus.subscribe<by_started>(look(started));
    auto b = bus.subscribe<by_running>(look(running));
    auto c = bus.subscribe<first>(look(own));
    std::thread runs{[&] {
        inside.wait();
        bus.publish(by_running{});
        with_context({.correlation_id = {5, 5}}, [&] {
            published.raise();
            bus.publish(by_running{});
        });
    }};
    with_context(outside, [&] {
        inside.raise();
        std::thread{[&] { bus.publish(by_started{}); }}.join();
        published.wait();
        bus.publish(first{});
    });
    runs.join();
    CHECK(started == lineage{});
    CHECK(running == lineage{.correlation_id = {5, 5}});
    CHECK(own == outside);
}

TEST_CASE("inside one can drain, for no handler is waited for by that") {
    SECTION("with threads that empty the queues") {
        tidings::thread_pool pool{1};
        tidings::bus bus{{.executor = pool}};
        listener<first, tidings::async_delivery<>> looks{bus, tidings::async.capacity(2)};
        with_context(outside, [&] {
            for (int n = 0; n != 100; ++n) bus.publish(first{});  // and wait for room
            bus.drain();
            CHECK(looks.seen.size() == 100);
            CHECK(bus.drain_for(1h));
        });
        CHECK(looks.seen == std::vector<lineage>(100, outside));
    }
    SECTION("on the thread that empties them") {
        tidings::manual_executor loop;
        tidings::bus bus{{.executor = loop}};
        auto follows_up = bus.subscribe([&](const first&) { bus.publish(second{}); }, tidings::async);
        listener<first, tidings::async_delivery<>> causes{bus, tidings::async};
        listener<second, tidings::async_delivery<>> effects{bus, tidings::async};
        bus.publish(first{});  // waits until it is handled, inside the call, and has nothing to do with that
        with_context(outside, [&] { bus.drain(); });
        REQUIRE(effects.seen.size() == 1);
        CHECK(causes.is_root());
        CHECK(effects.seen[0] == lineage{.correlation_id = causes.ids[0], .causation_id = causes.ids[0]});
    }
}

TEST_CASE("a drain inside a handler stays what it is, with and without a call in between") {
    tidings::bus bus;
    int refused = 0;
    const auto drain = [&] {
        try {
            bus.drain();
        } catch (const tidings::error& e) {
            if (e.code() == tidings::errc::would_deadlock) ++refused;
        }
    };
    auto handles = bus.subscribe([&](const first&) {
        drain();
        with_context(outside, drain);
    });
    bus.publish(first{});
    CHECK(refused == 2);
    with_context(outside, [&] {
        bus.publish(first{});
        with_context({.correlation_id = {1, 1}}, [&] {
            bus.publish(first{});
            drain();
        });
    });
    CHECK(refused == 6);
}

TEST_CASE("nobody waits for the end of the call: reset() on another thread, of what was published in it, returns") {
    tidings::bus bus;
    auto taken = bus.subscribe([](const first&) {});
    support::flag inside;
    support::flag done;
    std::thread stands{[&] {
        bus.publish(first{});
        with_context(outside, [&] {
            bus.publish(first{});
            inside.raise();
            done.wait();
        });
    }};
    inside.wait();
    CHECK(taken.reset() == tidings::reset_result::ended);
    done.raise();
    stands.join();
}

TEST_CASE("inside, reset() is the barrier that it is outside, and captures that publish inherit") {
    tidings::bus bus;
    listener<second> looks{bus};
    auto taken = bus.subscribe([last = support::at_end{[&] { bus.publish(second{}); }}](const first&) {});
    with_context(outside, [&] {
        bus.publish(first{});
        CHECK(taken.reset() == tidings::reset_result::ended);
        CHECK(bus.publish(first{}).handled == 0);
    });
    REQUIRE(looks.seen.size() == 1);
    CHECK(looks.seen[0] == outside);
    bus.publish(second{});
    CHECK(looks.is_root());
}

TEST_CASE("two threads that reset each other's handlers inside calls are no circle through them") {
    for (int round = 0; round != 50; ++round) {
        tidings::bus bus;
        support::meeting both;
        tidings::subscription one = bus.subscribe([](const first&) {});
        tidings::subscription two = bus.subscribe([](const second&) {});
        const auto work = [&](int who, tidings::subscription& other) {
            with_context(outside, [&] {
                if (who == 0) bus.publish(first{});
                else bus.publish(second{});
                both.meet(who);
                CHECK(other.reset() == tidings::reset_result::ended);
            });
        };
        std::thread there{[&] { work(1, one); }};
        work(0, two);
        there.join();
    }
}

TEST_CASE("the bus may be destroyed inside, and by a handler inside") {
    std::optional<tidings::bus> bus{std::in_place};
    support::watched object;
    auto taken = bus->subscribe([held = object.copy()](const first&) {});
    with_context(outside, [&] {
        bus->publish(first{});
        bus.reset();
        CHECK_FALSE(object.exists());
    });
    auto* const dies = new tidings::bus;
    auto destroys = dies->subscribe([&](const first&) { delete dies; });
    with_context(outside, [&] { dies->publish(first{}); });
    tidings::bus later;
    listener<first> looks{later};
    later.publish(first{});
    CHECK(looks.is_root());
}

TEST_CASE("a timer that is set inside inherits; one that was set before, and rings inside, does not") {
    tidings::manual_executor loop;
    tidings::bus bus{{.executor = loop}};
    listener<first> looks{bus};
    listener<second> others{bus};
    auto early = bus.publish_after(0ns, second{});
    with_context(outside, [&] {
        auto set = bus.publish_after(0ns, first{});
        while (others.seen.empty() || looks.seen.empty()) loop.run();
    });
    CHECK(looks.seen.back() == outside);
    CHECK(others.is_root());
}

TEST_CASE("a timer that rings while a handler runs the loop is not caused by that handler, nor one that it sets") {
    tidings::manual_executor loop;
    tidings::bus bus{{.executor = loop}};
    listener<second> looks{bus};
    auto early = bus.publish_after(0ns, second{});
    auto handles = bus.subscribe([&](const first&) {
        while (looks.seen.empty()) loop.run();
    });
    bus.publish(first{});
    CHECK(looks.is_root());
}

TEST_CASE("with a topic, too") {
    tidings::bus bus;
    std::vector<lineage> seen;
    const auto look = [&](const tidings::any_event&, const tidings::context& c) {
        seen.push_back({.correlation_id = c.correlation_id(), .causation_id = c.causation_id()});
    };
    auto taken = bus.subscribe(tidings::topic{"a.*"}, look);
    for (int n = 0; n != 2; ++n) with_context(outside, [&] { bus.publish(first{}, {.topic = "a.b"}); });
    CHECK(seen == std::vector{outside, outside});
}

TEST_CASE("once warm nothing is allocated") {
    if (!support::counts_allocations) return;
    tidings::bus bus;
    listener<first> looks{bus};
    looks.ids.reserve(100);
    looks.seen.reserve(100);
    const auto round = [&] {
        with_context(outside, [&] {
            bus.publish(first{});
            with_context({.correlation_id = {1, 1}}, [&] { bus.publish(first{}); });
        });
    };
    round();
    const std::uint64_t before = support::allocated_here;
    for (int n = 0; n != 10; ++n) round();
    CHECK(support::allocated_here == before);
}

TEST_CASE("where memory runs out the body is not called, or all went well") {
    if (!support::counts_allocations) return;
    tidings::bus bus;
    auto taken = bus.subscribe([](const first&) {});
    int failures = 0;
    std::thread{[&] {  // whose record and slots are still to be made, or taken over
        struct nest {
            int calls = 0;
            void go(int depth) {
                with_context(outside, [&] {
                    ++calls;
                    if (depth != 0) go(depth - 1);
                });
            }
        };
        for (int n = 1; n != 1'000; ++n) {
            const support::failing_allocation fails{n, support::failing::once};
            nest each;
            try {
                each.go(200);
            } catch (const std::bad_alloc&) {
                ++failures;
                CHECK(each.calls <= 200);
            }
            if (!fails.happened()) {
                CHECK(each.calls == 201);
                break;
            }
        }
        CHECK(bus.publish(first{}).handled == 1);
    }}
        .join();
    CHECK(failures >= 1);
}

TEST_CASE("while a thread ends, too, when its record is given back already") {
    tidings::bus bus;
    listener<first> looks{bus};
    std::thread{[&] {
        struct late {
            tidings::bus* on = nullptr;
            ~late() {
                with_context(outside, [&] { on->publish(first{}); });
                on->publish(first{});
            }
        };
        thread_local late last;  // made before the thread's record, destroyed after it
        last.on = &bus;
        bus.publish(first{});
    }}.join();
    REQUIRE(looks.seen.size() == 3);
    CHECK(looks.seen[1] == outside);
    CHECK(looks.is_root());
}
