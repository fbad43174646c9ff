#include "support/allocations.hpp"
#include "support/catch.hpp"

#include <tidings/core/bus.hpp>
#include <tidings/core/context.hpp>
#include <tidings/core/publish.hpp>
#include <tidings/executor/manual_executor.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

struct tick {
    std::uint64_t n = 0;
};
struct tock {};

/// Counts what happens to it.
struct counted {
    static inline int copies = 0;
    static inline int moves = 0;
    counted() = default;
    counted(const counted&) { ++copies; }
    counted(counted&&) noexcept { ++moves; }
    counted& operator=(const counted&) = default;
    counted& operator=(counted&&) = default;
    ~counted() = default;
};

/// What `body` allocates the second time.
template <class Body>
std::uint64_t warm_allocations(Body body) {
    body();
    const std::uint64_t before = support::allocated_here;
    for (int n = 0; n < 10; ++n) body();
    return support::allocated_here - before;
}

}  // namespace

TEST_CASE("events are neither copied nor moved, however they are passed") {
    tidings::bus bus;
    const counted* seen = nullptr;
    auto a = bus.subscribe([&](const counted& c) { seen = &c; });
    auto b = bus.subscribe([&](const counted& c) { CHECK(seen == &c); });
    counted lvalue;
    bus.publish(lvalue);
    CHECK(seen == &lvalue);
    bus.publish(std::as_const(lvalue));
    bus.publish(std::move(lvalue));
    bus.publish(counted{});
    CHECK(counted::copies == 0);
    CHECK(counted::moves == 0);
}

TEST_CASE("the result counts handlers that returned and that threw, and no others") {
    tidings::bus bus{{.on_error = [](const tidings::handler_error&) {}}};
    CHECK(bus.publish(tick{}) == tidings::publish_result{});
    auto a = bus.subscribe([](const tick&) {});
    auto b = bus.subscribe([](const tick&) { throw 1; });
    auto c = bus.subscribe([](const tick&) {}, tidings::sync.filter([](const tick&) { return false; }));
    auto d = bus.subscribe([](const tock&) {});
    CHECK(bus.publish(tick{}) == tidings::publish_result{.handled = 1, .failed = 1});
    a.reset();
    CHECK(bus.publish(tick{}) == tidings::publish_result{.handled = 0, .failed = 1});
}

TEST_CASE("a warm publish allocates nothing") {
    if (!support::counts_allocations) return;
    tidings::bus bus{{.on_error = [](const tidings::handler_error&) {}}};
    std::uint64_t sum = 0;
    CHECK(warm_allocations([&] { bus.publish(tick{1}); }) == 0);
    auto one = bus.subscribe([&](const tick& t) { sum += t.n; });
    CHECK(warm_allocations([&] { bus.publish(tick{1}); }) == 0);
    auto two = bus.subscribe([&](const tick&) { bus.publish(tock{}); });
    auto three = bus.subscribe([&](const tock&, const tidings::context& c) { sum += c.causation_id().low(); });
    auto four = bus.subscribe([&](const tick&) {}, tidings::sync.filter([](const tick&) { return false; }));
    CHECK(warm_allocations([&] { bus.publish(tick{1}); }) == 0);
    const tidings::publish_options options{.source = "a source that is longer than a small string may be",
                                           .headers = {{"header", "of a text that is longer than a small string"}}};
    CHECK(warm_allocations([&] { bus.publish(tick{1}, options); }) == 0);
    CHECK(sum != 0);
}

TEST_CASE("a thread allocates for its first publish, and for the first after a change, not for the next") {
    if (!support::counts_allocations) return;
    tidings::bus bus;
    auto taken = bus.subscribe([](const tick&) {});
    std::uint64_t first = 0;
    std::uint64_t second = 0;
    std::uint64_t third = 0;
    std::thread{[&] {
        const auto allocations = [&] {
            const std::uint64_t before = support::allocated_here;
            bus.publish(tick{});
            return support::allocated_here - before;
        };
        first = allocations();
        second = allocations();
        auto more = bus.subscribe([](const tick&) {});
        allocations();
        third = allocations();
    }}.join();
    CHECK(first >= 1);
    CHECK(second == 0);
    CHECK(third == 0);
}

TEST_CASE("move-only events are events") {
    tidings::bus bus;
    int sum = 0;
    auto taken = bus.subscribe([&](const std::unique_ptr<int>& p) { sum += *p; });
    bus.publish(std::make_unique<int>(3));
    CHECK(sum == 3);
}

TEST_CASE("texts may be the event's own, also where a queue moves it away") {
    struct order {
        std::string customer;
        std::string place;
    };
    tidings::manual_executor loop;
    tidings::bus bus{{.executor = loop}};
    std::vector<std::string> seen;
    const auto look = [&](const order& o, const tidings::context& c) {
        CHECK(c.source() == o.customer);
        CHECK(c.header("h") == "v");
        seen.push_back(std::string{c.key()} + '@' + std::string{c.topic()});
    };
    auto queued = bus.subscribe(look, tidings::async);
    const auto publish = [&](order o) {
        bus.publish(std::move(o), {.topic = o.place, .key = o.customer, .source = o.customer, .headers = {{"h", "v"}}});
        loop.run();
    };
    const std::string longer(100, 'x');
    publish({"ada", "london"});
    publish({longer, longer});
    CHECK(seen == std::vector<std::string>{"ada@london", longer + '@' + longer});
    auto directly = bus.subscribe(look);
    auto too = bus.subscribe(look, tidings::async);
    seen.clear();
    publish({"ada", "london"});
    publish({longer, longer});
    REQUIRE(seen.size() == 6);
    for (const std::string& each : seen) CHECK((each == "ada@london" || each == longer + '@' + longer));
}
