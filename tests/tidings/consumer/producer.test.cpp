#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/waiting.hpp"

#include <tidings/consumer/producer.hpp>
#include <tidings/core/bus.hpp>
#include <tidings/core/context.hpp>
#include <tidings/core/with_context.hpp>
#include <tidings/executor/manual_executor.hpp>
#include <tidings/testing/simulation.hpp>
#include <tidings/topic/topic.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using tidings::event_id;
using tidings::headers;
using tidings::producer;

struct order {
    static constexpr std::string_view event_type = "order";
    std::string customer{};
};
struct shipped {};

static_assert(!std::is_copy_constructible_v<producer> && !std::is_move_constructible_v<producer>);
static_assert(!std::is_constructible_v<producer, tidings::bus, std::string>, "a bus that would be gone at once");

/// What the handler of an order was told.
struct listener {
    explicit listener(tidings::bus& bus)
        : taken{bus.subscribe([this](const order&, const tidings::context& c) {
              text = std::string{c.topic()} + '|' + std::string{c.key()} + '|' + std::string{c.source()};
              said.assign(c.headers().begin(), c.headers().end());
              id = c.id();
              correlation = c.correlation_id();
              causation = c.causation_id();
          })} {}
    std::string text;
    headers said;
    event_id id, correlation, causation;
    tidings::subscription taken;
};

}  // namespace

TEST_CASE("events bear the producer's name, and nothing that it was not told to say") {
    tidings::bus bus;
    listener heard{bus};
    producer checkout{bus, "checkout"};
    CHECK(checkout.source() == "checkout");
    CHECK(checkout.publish(order{}) == tidings::publish_result{.handled = 1});
    CHECK(heard.text == "order||checkout");
    CHECK(heard.said.empty());
    CHECK(heard.correlation == heard.id);
    CHECK(heard.causation == event_id{});
    order lvalue;
    const order constant;
    CHECK(checkout.publish(lvalue).handled == 1);
    CHECK(checkout.publish(constant).handled == 1);
    CHECK(checkout.publish(shipped{}).handled == 0);
    CHECK(checkout.publish(order{}, {}).handled == 1);
    CHECK(heard.text == "order||checkout");
}

TEST_CASE("what a producer was given goes with each event, and what a call gives wins") {
    tidings::bus bus;
    listener heard{bus};
    producer checkout{
        bus, "checkout", {.topic = "eu.orders", .key = "shop-1", .headers = {{"region", "eu"}, {"v", "2"}}}};
    checkout.publish(order{});
    CHECK(heard.text == "eu.orders|shop-1|checkout");
    CHECK(heard.said == headers{{"region", "eu"}, {"v", "2"}});

    checkout.publish(order{}, {.topic = "us.orders"});
    CHECK(heard.text == "us.orders|shop-1|checkout");
    CHECK(heard.said == headers{{"region", "eu"}, {"v", "2"}});

    checkout.publish(order{}, {.key = "ada", .headers = {{"region", "us"}, {"request", "r-9"}}});
    CHECK(heard.text == "eu.orders|ada|checkout");
    CHECK(heard.said == headers{{"region", "us"}, {"request", "r-9"}, {"v", "2"}});

    checkout.publish(order{},
                     {.source = "somebody else", .id = {1, 1}, .correlation_id = {2, 2}, .causation_id = {3, 3}});
    CHECK(heard.text == "eu.orders|shop-1|checkout");
    CHECK(heard.id == event_id{1, 1});
    CHECK(heard.correlation == event_id{2, 2});
    CHECK(heard.causation == event_id{3, 3});

    checkout.publish(order{});  // as if nothing had been
    CHECK(heard.text == "eu.orders|shop-1|checkout");
    CHECK(heard.said == headers{{"region", "eu"}, {"v", "2"}});
}

TEST_CASE("headers of one name: all of the call's, or all of the producer's") {
    tidings::bus bus;
    listener heard{bus};
    producer checkout{bus, "checkout", {.headers = {{"a", "1"}, {"b", "1"}, {"a", "2"}, {"", "empty"}}}};
    checkout.publish(order{});
    CHECK(heard.said == headers{{"a", "1"}, {"b", "1"}, {"a", "2"}, {"", "empty"}});
    checkout.publish(order{}, {.headers = {{"b", "8"}, {"b", "9"}}});
    CHECK(heard.said == headers{{"b", "8"}, {"b", "9"}, {"a", "1"}, {"a", "2"}, {"", "empty"}});
    checkout.publish(order{}, {.headers = {{"", ""}, {"a", ""}}});
    CHECK(heard.said == headers{{"", ""}, {"a", ""}, {"b", "1"}});
    checkout.publish(order{}, {.headers = {{"A", "1"}}});
    CHECK(heard.said.size() == 5);
}

TEST_CASE("correlation and causation are inherited as on the bus") {
    tidings::bus bus;
    listener heard{bus};
    producer checkout{bus, "checkout", {.headers = {{"region", "eu"}}}};
    event_id cause;
    auto follows = bus.subscribe([&](const shipped&, const tidings::context& c) {
        cause = c.id();
        checkout.publish(order{}, {.key = "k"});
    });
    tidings::with_context({.correlation_id = {7, 7}, .causation_id = {8, 8}}, [&] {
        checkout.publish(order{});
        CHECK(heard.correlation == event_id{7, 7});
        CHECK(heard.causation == event_id{8, 8});
        bus.publish(shipped{});
    });
    CHECK(heard.correlation == event_id{7, 7});
    CHECK(heard.causation == cause);
}

TEST_CASE("a topic brings events to those who subscribed to it, and a malformed one is the call's error") {
    tidings::bus bus;
    std::vector<std::string> topics;
    auto taken = bus.subscribe(tidings::topic{"eu.#"}, [&](const tidings::any_event& e, const tidings::context& c) {
        topics.push_back(std::string{e.topic()} + '|' + std::string{c.source()});
    });
    producer checkout{bus, "checkout", {.topic = "eu.orders"}};
    checkout.publish(order{});
    checkout.publish(order{}, {.topic = "us.orders"});
    checkout.publish(shipped{}, {.topic = "eu.parcels"});
    CHECK(topics == std::vector<std::string>{"eu.orders|checkout", "eu.parcels|checkout"});
    CHECK_THROWS_AS(checkout.publish(order{}, {.topic = "eu..orders"}), tidings::error);
    CHECK(checkout.publish(order{}).handled == 1);
}

TEST_CASE("texts may be the event's own, also where a queue moves it away") {
    tidings::manual_executor loop;
    tidings::bus bus{{.executor = loop}};
    std::vector<std::string> keys;
    auto queued =
        bus.subscribe([&](const order&, const tidings::context& c) { keys.emplace_back(c.key()); }, tidings::async);
    producer checkout{bus, "checkout"};
    for (const std::string& name : {std::string{"ada"}, std::string(100, 'x')}) {
        order o{name};
        checkout.publish(std::move(o), {.key = o.customer});  // NOLINT(bugprone-use-after-move): a view
    }
    loop.run();
    CHECK(keys == std::vector<std::string>{"ada", std::string(100, 'x')});
}

TEST_CASE("a queue keeps what the producer said for longer than the producer") {
    tidings::manual_executor loop;
    tidings::bus bus{{.executor = loop}};
    std::string seen;
    auto queued = bus.subscribe(
        [&](const order&, const tidings::context& c) {
            seen = std::string{c.source()} + '|' + std::string{c.topic()} + '|' + std::string{c.header("h")};
        },
        tidings::async);
    const std::string longer(100, 'x');
    {
        producer checkout{bus, longer, {.topic = longer, .headers = {{"h", longer}}}};
        checkout.publish(order{});
    }
    loop.run();
    CHECK(seen == longer + '|' + longer + '|' + longer);
}

TEST_CASE("later events bear the same") {
    tidings::testing::simulation sim{1};
    tidings::bus bus{{.executor = sim.executor(), .clock = sim.clock()}};
    std::vector<std::string> seen;
    auto taken = bus.subscribe([&](const order& o, const tidings::context& c) {
        seen.push_back(o.customer + '|' + std::string{c.source()} + '|' + std::string{c.key()} + '|' +
                       std::string{c.header("h")});
    });
    {
        producer checkout{bus, "checkout", {.key = "k", .headers = {{"h", "v"}}}};
        static_cast<void>(checkout.publish_after(1ms, order{"a"}));
        static_cast<void>(checkout.publish_after(2ms, order{"b"}, {.key = "own"}));
        static_cast<void>(checkout.publish_at(sim.now() + 3ms, order{"c"}));
        static_cast<void>(checkout.publish_at(sim.now() + 4ms, order{"d"}, {.headers = {{"h", "own"}}}));
        static_cast<void>(checkout.publish_at(std::chrono::system_clock::time_point{}, order{"e"}));
        static_cast<void>(checkout.publish_every(6ms, order{"f"}));
        static_cast<void>(checkout.publish_every(9ms, order{"g"}, {.key = "own"}));
        tidings::timer never = checkout.publish_after(5ms, order{"never"});
        CHECK(never.cancel() == tidings::reset_result::ended);
    }
    sim.advance(12ms);
    CHECK(seen == std::vector<std::string>{"e|checkout|k|v", "a|checkout|k|v", "b|checkout|own|v", "c|checkout|k|v",
                                           "d|checkout|k|own", "f|checkout|k|v", "g|checkout|own|v", "f|checkout|k|v"});
}

TEST_CASE("a handler may fail, and publish through the producer again") {
    int failures = 0;
    tidings::bus bus{{.on_error = [&](const tidings::handler_error& e) {
        ++failures;
        CHECK(e.context()->source() == "checkout");
    }}};
    producer checkout{bus, "checkout", {.headers = {{"h", "v"}}}};
    int depth = 0;
    auto fails = bus.subscribe([](const order&) { throw std::runtime_error{"x"}; });
    auto nests = bus.subscribe([&](const order&, const tidings::context& c) {
        CHECK(c.header("h") == "v");
        if (depth++ < 20) checkout.publish(order{});
    });
    CHECK(checkout.publish(order{}) == tidings::publish_result{.handled = 1, .failed = 1});
    CHECK(failures == 21);
}

TEST_CASE("the handler of a queue may destroy the producer and the bus") {
    tidings::manual_executor loop;
    auto* const bus = new tidings::bus{{.executor = loop}};
    auto* const checkout = new producer{*bus, "checkout", {.headers = {{"h", "v"}}}};
    std::string source;
    auto destroys = bus->subscribe(
        [&](const order&, const tidings::context& c) {
            delete checkout;
            delete bus;
            source = std::string{c.source()} + '|' + std::string{c.header("h")};
        },
        tidings::async);
    checkout->publish(order{});
    loop.run();
    CHECK(source == "checkout|v");
    CHECK_FALSE(destroys.active());
}

TEST_CASE("several threads publish through one producer") {
    tidings::bus bus;
    std::atomic<int> right{0};
    auto taken = bus.subscribe([&](const order&, const tidings::context& c) {
        if (c.source() == "checkout" && c.header("h") == "v" && (c.key() == "one" || c.key() == "two")) ++right;
    });
    producer checkout{bus, "checkout", {.key = "one", .headers = {{"h", "v"}}}};
    support::meeting both;
    const auto work = [&](int who) {
        for (int n = 0; n != 1'000; ++n) {
            both.meet(who);
            checkout.publish(order{});
            checkout.publish(order{}, {.key = "two"});
        }
    };
    std::thread other{[&] { work(1); }};
    work(0);
    other.join();
    CHECK(right == 4'000);
}

TEST_CASE("once warm a producer allocates what the bus does, and for headers that it adds") {
    if (!support::counts_allocations) return;
    tidings::bus bus;
    int calls = 0;
    auto taken = bus.subscribe([&](const shipped&, const tidings::context& c) { calls += c.source().empty() ? 0 : 1; });
    const std::string longer(100, 'x');
    producer plain{bus, longer, {.topic = longer, .key = longer}};
    producer heads{bus, longer, {.headers = {{longer, longer}}}};
    const auto allocations = [&](auto publish) {
        publish();
        const std::uint64_t before = support::allocated_here;
        for (int n = 0; n != 10; ++n) publish();
        return support::allocated_here - before;
    };
    CHECK(allocations([&] { plain.publish(shipped{}); }) == 0);
    CHECK(allocations([&] { plain.publish(shipped{}, {.topic = longer, .key = longer, .id = {1, 1}}); }) == 0);
    CHECK(allocations([&] { heads.publish(shipped{}); }) == 0);
    CHECK(allocations([&] { heads.publish(shipped{}, {.key = longer}); }) > 0);
    tidings::with_context({.correlation_id = {1, 1}},
                          [&] { CHECK(allocations([&] { plain.publish(shipped{}); }) == 0); });
    CHECK(calls == 55);
}

TEST_CASE("where memory runs out nobody is told anything, and the next event is whole") {
    if (!support::counts_allocations) return;
    const std::string longer(100, 'x');
    tidings::bus bus;
    int calls = 0;
    auto taken = bus.subscribe([&](const shipped&, const tidings::context& c) {
        ++calls;
        CHECK(c.headers().size() == 2);
    });
    bus.publish(shipped{}, {.headers = {{"", ""}, {"", ""}}});
    calls = 0;
    int failures = 0;
    for (int n = 1; n != 100; ++n) {
        bool happened = false;
        try {
            tidings::producer_options with{.topic = longer, .headers = {{longer, longer}}};
            tidings::publish_options call{.headers = {{"own", longer}}};
            const support::failing_allocation fails{n, support::failing::once};
            struct look {
                const support::failing_allocation& at;
                bool& into;
                ~look() { into = at.happened(); }
            } const looks{fails, happened};
            producer checkout{bus, longer, std::move(with)};
            checkout.publish(shipped{}, std::move(call));
        } catch (const std::bad_alloc&) {
            ++failures;
            CHECK(calls == 0);
        }
        if (!happened) break;
    }
    CHECK(failures >= 2);
    CHECK(calls == 1);
}
