#include <tidings/core/any_event.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"

#include <tidings/core/bus.hpp>
#include <tidings/core/delivery.hpp>
#include <tidings/executor/manual_executor.hpp>
#include <tidings/topic/topic.hpp>

#include <cstdint>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using tidings::any_event;
using tidings::async;
using tidings::context;
using tidings::topic;

struct order_placed {
    static constexpr std::string_view event_type = "order.placed";
    std::string id;
};
struct user_registered {
    static constexpr std::string_view event_type = "user.registered";
    std::string name;
};
struct unnamed {};

/// Counts its copies and moves.
struct counted {
    static constexpr std::string_view event_type = "counted";
    static inline int copies = 0;
    static inline int moves = 0;
    counted() { copies = moves = 0; }
    counted(const counted&) { ++copies; }
    counted(counted&&) noexcept { ++moves; }
    counted& operator=(const counted&) = delete;
    ~counted() = default;
};

struct ticket {
    static constexpr std::string_view event_type = "ticket";
    std::unique_ptr<int> number;
};

struct fragile {
    static constexpr std::string_view event_type = "fragile";
    fragile() = default;
    fragile(const fragile&) { throw std::runtime_error{"copy"}; }
    fragile& operator=(const fragile&) = delete;
    ~fragile() = default;
};

}  // namespace

TEST_CASE("a handler of any event sees which it is") {
    tidings::bus bus;
    std::vector<std::string> seen;
    const auto taken = bus.subscribe(topic{"#"}, [&](const any_event& e, const context& c) {
        CHECK(e.topic() == c.topic());
        CHECK(e.type() == c.event_type());
        const auto* const placed = e.get_if<order_placed>();
        const auto* const registered = e.get_if<user_registered>();
        CHECK((placed == nullptr || registered == nullptr));
        seen.push_back(placed != nullptr       ? placed->id
                       : registered != nullptr ? registered->name
                                               : std::string{e.type()});
    });
    bus.publish(order_placed{"A-1"});
    bus.publish(user_registered{"ada"}, {.topic = "user.special"});
    bus.publish(unnamed{});
    REQUIRE(seen.size() == 3);
    CHECK(seen[0] == "A-1");
    CHECK(seen[1] == "ada");
    CHECK(seen[2].find("unnamed") != std::string::npos);
    CHECK(taken.stats().delivered == 3);
    CHECK(bus.stats().delivered == 3);
}

TEST_CASE("an event's topic decides, its type's name where there is none") {
    tidings::bus bus;
    int orders = 0;
    int european = 0;
    int plain = 0;
    const auto a = bus.subscribe(topic{"order.*"}, [&](const any_event&) { ++orders; });
    const auto b = bus.subscribe(topic{"order.#.eu"}, [&](const order_placed&) { ++european; });
    const auto c = bus.subscribe([&](const order_placed&) { ++plain; });
    const auto expect = [&](int in_orders, int in_europe, int in_plain) {
        CHECK(std::exchange(orders, 0) == in_orders);
        CHECK(std::exchange(european, 0) == in_europe);
        CHECK(std::exchange(plain, 0) == in_plain);
    };
    CHECK(bus.publish(order_placed{}).handled == 2);
    expect(1, 0, 1);
    for (int n = 0; n < 2; ++n) {  // the second time it has been seen
        CHECK(bus.publish(order_placed{}, {.topic = "order.express.eu"}).handled == 2);
        expect(0, 1, 1);
        CHECK(bus.publish(order_placed{}, {.topic = "order.eu"}).handled == 3);
        expect(1, 1, 1);
        CHECK(bus.publish(user_registered{}, {.topic = "order.eu"}).handled == 1);
        expect(1, 0, 0);
        CHECK(bus.publish(user_registered{}, {.topic = "user.eu"}).handled == 0);
        expect(0, 0, 0);
    }
    CHECK(b.stats().delivered == 4);
    CHECK(c.stats().delivered == 5);
    CHECK(a.stats().delivered == 5);
    CHECK(bus.stats().delivered == 14);
}

TEST_CASE("typed and topic subscribers stand in one order: by priority, then as they came") {
    tidings::bus bus;
    std::string order;
    const auto add = [&](char c) { return [&order, c](const auto&) { order += c; }; };
    const auto a = bus.subscribe<order_placed>(add('a'));
    const auto b = bus.subscribe<any_event>(topic{"#"}, add('b'));
    const auto c = bus.subscribe<order_placed>(add('c'));
    const auto d = bus.subscribe<order_placed>(topic{"order.#"}, add('d'));
    const auto e = bus.subscribe<order_placed>(add('e'), tidings::sync.priority(1));
    const auto f = bus.subscribe<any_event>(topic{"order.#"}, add('f'), tidings::sync.priority(1));
    for (const char* given : {"", "order.x", "order.x", ""}) {
        bus.publish(order_placed{}, {.topic = given});
        CHECK(std::exchange(order, "") == "efabcd");
    }
}

TEST_CASE("who comes and goes is there, and gone, for topics that were seen before") {
    tidings::bus bus;
    int calls = 0;
    const auto count = [&](const auto&) { ++calls; };
    const auto publish = [&] {
        calls = 0;
        bus.publish(order_placed{}, {.topic = "order.x"});
        return calls;
    };
    const auto first = bus.subscribe<any_event>(topic{"order.*"}, count);
    CHECK(publish() == 1);
    auto typed = bus.subscribe<order_placed>(count);
    CHECK(publish() == 2);
    auto other = bus.subscribe<any_event>(topic{"#.x"}, count);
    CHECK(publish() == 3);
    typed.reset();
    CHECK(publish() == 2);
    other.reset();
    CHECK(publish() == 1);
    auto late = bus.subscribe<user_registered>(topic{"order.*"}, count);
    CHECK(publish() == 1);
    CHECK(typed.stats().delivered == 2);
    CHECK(other.stats().delivered == 2);
    CHECK(first.stats().delivered == 6);
}

TEST_CASE("a handler that subscribes and ends others while a topic is under way") {
    tidings::bus bus;
    std::string seen;
    tidings::subscription second;
    tidings::subscription added;
    tidings::subscription first = bus.subscribe(topic{"#"}, [&](const any_event&) {
        seen += '1';
        second.reset();
        added = bus.subscribe(topic{"#"}, [&](const any_event&) { seen += '3'; });
        if (seen.size() == 1) bus.publish(user_registered{}, {.topic = "nested"});
        first.reset();
    });
    second = bus.subscribe(topic{"order.*"}, [&](const any_event&) { seen += '2'; });
    bus.publish(order_placed{}, {.topic = "order.x"});
    CHECK(seen == "11");  // the nested call replaced the newcomer
    bus.publish(order_placed{}, {.topic = "order.x"});
    CHECK(seen == "113");
}

TEST_CASE("queues take any event, made once for all of them") {
    tidings::manual_executor loop;
    std::vector<std::string> told;
    tidings::bus bus{
        {.executor = loop, .on_error = [&](const tidings::handler_error& e) { told.emplace_back(e.what()); }}};
    std::vector<std::string> seen;
    const auto note = [&](const any_event& e, const context& c) {
        CHECK(e.type() == c.event_type());
        seen.emplace_back(std::string{e.type()} + "@" + std::string{e.topic()});
    };
    const auto a = bus.subscribe(topic{"#"}, note, async);
    const auto b = bus.subscribe(topic{"#"}, note, async);
    {
        const counted event;
        CHECK(bus.publish(event).queued == 2);
        CHECK(counted::copies == 1);
        CHECK(counted::moves == 0);
    }
    CHECK(bus.publish(counted{}, {.topic = "other"}).queued == 2);
    CHECK(counted::copies == 0);
    CHECK(counted::moves == 1);
    loop.run();
    CHECK(seen == std::vector<std::string>{"counted@counted", "counted@other", "counted@counted", "counted@other"});
    CHECK(told.empty());

    const ticket kept{std::make_unique<int>(1)};
    CHECK(bus.publish(kept).rejected == 2);
    CHECK(bus.publish(ticket{std::make_unique<int>(1)}).queued == 2);
    const fragile breaks;
    CHECK(bus.publish(breaks).rejected == 2);
    loop.run();
    CHECK(seen.size() == 6);
    CHECK(told.size() == 4);
    auto counted_by_a = a.stats();
    counted_by_a.longest_wait = {};  // of the real clock: what it is depends on the machine
    CHECK(counted_by_a == tidings::subscription_stats{.delivered = 3, .rejected = 2, .high_water = 2});
}

TEST_CASE("a queue of any event beside one of its type: one copy, and both get it") {
    tidings::manual_executor loop;
    tidings::bus bus{{.executor = loop}};
    int calls = 0;
    const auto a = bus.subscribe(
        topic{"#"}, [&](const any_event&) { ++calls; }, async);
    const auto b = bus.subscribe([&](const counted&) { ++calls; }, async);
    const auto c = bus.subscribe([&](const counted&) { ++calls; });
    const counted event;
    const auto result = bus.publish(event);
    CHECK(result.queued == 2);
    CHECK(result.handled == 1);
    CHECK(counted::copies == 1);
    loop.run();
    CHECK(calls == 3);
}

TEST_CASE("a key, a filter and an object serve subscribers of topics, too") {
    tidings::manual_executor loop;
    tidings::bus bus{{.executor = loop}};
    struct audit {
        int calls = 0;
        void on_any(const any_event&) { ++calls; }
    };
    audit book;
    auto shared = std::make_shared<audit>();
    const auto a = bus.subscribe(topic{"order.*"}, &audit::on_any, book);
    auto b = bus.subscribe("weak", topic{"order.*"}, &audit::on_any, std::weak_ptr{shared});
    int placed = 0;
    const auto c = bus.subscribe(
        topic{"#"}, [&](const any_event&) { ++placed; },
        tidings::sync.filter([](const any_event& e) { return e.get_if<order_placed>() != nullptr; }));
    const auto d = bus.subscribe(
        topic{"#"}, [&](const any_event&) { ++placed; },
        async.ordered_by([](const any_event& e) { return std::string{e.topic()}; }));
    bus.publish(order_placed{});
    bus.publish(user_registered{});
    loop.run();
    CHECK(book.calls == 1);
    CHECK(shared->calls == 1);
    CHECK(placed == 3);
    shared.reset();
    bus.publish(order_placed{}, {.topic = "order.x"});
    CHECK_FALSE(b.active());
    CHECK(book.calls == 2);
}

TEST_CASE("a malformed topic is refused before anybody is called") {
    tidings::bus bus;
    int calls = 0;
    CHECK(bus.publish(order_placed{}, {.topic = "a..b"}).handled == 0);  // nobody routes by it
    const auto taken = bus.subscribe(topic{"#"}, [&](const any_event&) { ++calls; });
    for (const char* bad : {"a..b", "a.*", "#", " "}) {
        CAPTURE(bad);
        try {
            bus.publish(order_placed{}, {.topic = bad});
            CHECK(false);
        } catch (const tidings::error& e) {
            CHECK(e.code() == tidings::errc::invalid_topic);
        }
    }
    CHECK(calls == 0);
    bus.publish(order_placed{}, {.topic = "a.b"});
    CHECK(calls == 1);
}

TEST_CASE("topics that never come again take no more memory than a few") {
    tidings::bus bus;
    int calls = 0;
    const auto taken = bus.subscribe(topic{"#"}, [&](const any_event&) { ++calls; });
    const auto publish = [&](int from, int to) {
        for (int n = from; n < to; ++n) bus.publish(order_placed{}, {.topic = "order.number-" + std::to_string(n)});
    };
    publish(0, 20'000);
    const std::int64_t before = support::blocks_in_use;
    publish(20'000, 60'000);
    CHECK(support::blocks_in_use - before < 500);
    CHECK(calls == 60'000);
    CHECK(taken.stats().delivered == 60'000);
}

TEST_CASE("an allocation that fails leaves topics as they were") {
    for (std::int64_t nth = 1;; ++nth) {
        CAPTURE(nth);
        tidings::bus bus;
        int calls = 0;
        const auto count = [&](const auto&) { ++calls; };
        const auto typed = bus.subscribe<order_placed>(count);
        const auto other = bus.subscribe<user_registered>(count);
        tidings::subscription taken;
        bool failed = false;
        {
            const support::failing_allocation fails{nth, support::failing::once};
            try {
                taken = bus.subscribe<any_event>(topic{"#"}, count);
                bus.publish(order_placed{}, {.topic = "order.a-long-word-that-is-on-the-heap"});
            } catch (const std::bad_alloc&) {
                failed = true;
            }
        }
        const int expected = taken.active() ? 2 : 1;
        for (const char* given : {"", "order.x"}) {
            calls = 0;
            bus.publish(order_placed{}, {.topic = given});
            CHECK(calls == expected);
            bus.publish(user_registered{}, {.topic = given});
            CHECK(calls == 2 * expected);
        }
        if (!failed) break;
    }
}

TEST_CASE("a bus may go in a handler of a topic, and subscriptions may outlive it") {
    auto bus = std::make_unique<tidings::bus>();
    int calls = 0;
    const auto later = [&](const any_event&) { ++calls; };
    auto taken = bus->subscribe(topic{"#"}, [&](const any_event&) {
        ++calls;
        bus.reset();
    });
    const auto other = bus->subscribe(topic{"#"}, later);
    bus->publish(order_placed{}, {.topic = "x"});
    CHECK(calls == 1);
    CHECK_FALSE(taken.active());
    CHECK(other.stats().delivered == 0);
}
