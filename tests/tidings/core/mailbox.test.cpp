#include "support/captures.hpp"
#include "support/catch.hpp"
#include "support/waiting.hpp"

#include <tidings/core/bus.hpp>
#include <tidings/core/mailbox.hpp>
#include <tidings/executor/inline_executor.hpp>
#include <tidings/executor/manual_executor.hpp>

#include <atomic>
#include <chrono>
#include <coroutine>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;

struct tick {
    int n = 0;
};

/// A coroutine that starts at once and that nobody waits for.
struct started {
    struct promise_type {
        started get_return_object() noexcept { return {}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() noexcept {}
        void unhandled_exception() noexcept { std::terminate(); }
    };
};

started collect(tidings::mailbox<tick>& box, std::vector<int>& into, bool& ended) {
    while (auto e = co_await box.next()) into.push_back(e->n);
    ended = true;
}

}  // namespace

TEST_CASE("events wait in a mailbox in the order of publication") {
    tidings::bus bus;
    auto box = bus.mailbox<tick>("inbox");
    for (int n = 1; n <= 3; ++n) CHECK(bus.publish(tick{n}) == tidings::publish_result{.queued = 1});
    CHECK(box.stats().queued == 3);
    CHECK(box.receive()->n == 1);
    CHECK((*box.try_receive()).n == 2);
    CHECK(box.receive_for(1h)->n == 3);
    CHECK_FALSE(box.try_receive());
    CHECK_FALSE(box.receive_for(1ms));
    CHECK_FALSE(box.receive_for(-1h));
    CHECK(box.stats().delivered == 3);
    CHECK(box.stats().high_water == 3);
    CHECK(box.stats().queued == 0);
}

TEST_CASE("a full mailbox does what it is told to") {
    tidings::bus bus;
    auto rejects = bus.mailbox<tick>({.capacity = 2, .when_full = tidings::overflow::reject});
    auto oldest = bus.mailbox<tick>({.capacity = 2, .when_full = tidings::overflow::drop_oldest});
    auto newest = bus.mailbox<tick>({.capacity = 0, .when_full = tidings::overflow::drop_newest});  // one, at least
    for (int n = 1; n <= 2; ++n) bus.publish(tick{n});
    CHECK(bus.publish(tick{3}) == tidings::publish_result{.queued = 2, .rejected = 1});
    CHECK(rejects.receive()->n == 1);
    CHECK(rejects.stats().rejected == 1);
    CHECK(oldest.receive()->n == 2);
    CHECK(oldest.receive()->n == 3);
    CHECK(oldest.stats().dropped == 1);
    CHECK(newest.receive()->n == 1);
    CHECK_FALSE(newest.try_receive());
    CHECK(newest.stats().dropped == 2);
    CHECK(newest.stats().accepted() == 3);
}

TEST_CASE("a closed mailbox gives what is left, then nothing") {
    tidings::bus bus;
    auto box = bus.mailbox<tick>();
    bus.publish(tick{1});
    box.close();
    box.close();
    CHECK(bus.publish(tick{2}).rejected == 1);
    int sum = 0;
    for (const tick& t : box) sum += t.n;
    CHECK(sum == 1);
    CHECK_FALSE(box.receive());
}

TEST_CASE("closing the bus closes its mailboxes, and what they hold can be fetched") {
    tidings::bus bus;
    auto box = bus.mailbox<tick>();
    bus.publish(tick{1});
    bus.close();
    CHECK(bus.publish(tick{2}).rejected == 1);
    CHECK(box.receive()->n == 1);
    CHECK_FALSE(box.receive());
}

TEST_CASE("the end of the mailbox, or of the bus, discards what waits") {
    support::watched captured;
    {
        tidings::bus bus;
        {
            auto box = bus.mailbox<std::shared_ptr<int>>();
            bus.publish(captured.copy());
            CHECK(captured.exists());
        }
        CHECK_FALSE(captured.exists());
        CHECK(bus.stats().discarded == 1);
        CHECK(bus.stats().accepted() == 1);
    }
    std::optional<tidings::bus> bus{std::in_place};
    auto box = bus->mailbox<tick>();
    bus->publish(tick{1});
    bus.reset();
    CHECK_FALSE(box.receive());
    CHECK(box.stats().discarded == 1);
}

TEST_CASE("an event outlives its mailbox and its bus in who received it, with what its publisher said") {
    tidings::received<std::string> kept;
    CHECK_FALSE(kept);
    {
        tidings::bus bus;
        auto box = bus.mailbox<std::string>();
        bus.publish(std::string{"text"}, {.key = std::string{"key"}, .headers = {{"name", "value"}}});
        kept = box.receive();
    }
    REQUIRE(kept);
    CHECK(*kept == "text");
    REQUIRE(kept.options() != nullptr);
    CHECK(kept.options()->key == "key");
    CHECK(kept.options()->headers.size() == 1);
}

TEST_CASE("drain does not wait for mailboxes") {
    tidings::bus bus;
    auto box = bus.mailbox<tick>();
    bus.publish(tick{1});
    bus.drain();
    CHECK(box.stats().queued == 1);
}

TEST_CASE("a publisher waits for a receiver, a receiver for a publisher") {
    tidings::bus bus;
    auto box = bus.mailbox<tick>({.capacity = 1});
    std::thread publishing{[&] {
        for (int n = 1; n <= 1'000; ++n)
            if (bus.publish(tick{n}).queued != 1) std::abort();
        box.close();
    }};
    int last = 0;
    for (const tick& t : box) CHECK(t.n == ++last);
    publishing.join();
    CHECK(last == 1'000);
    CHECK(box.stats().high_water == 1);
}

TEST_CASE("a coroutine goes on at once where an event waits, and on the executor where none does") {
    tidings::manual_executor loop;
    tidings::bus bus;
    auto box = bus.mailbox<tick>({.resume_on = loop});
    std::vector<int> got;
    bool ended = false;
    bus.publish(tick{1});
    collect(box, got, ended);
    CHECK(got == std::vector<int>{1});
    bus.publish(tick{2});
    bus.publish(tick{3});
    CHECK(got.size() == 1);
    loop.run();
    CHECK(got == std::vector<int>{1, 2, 3});
    box.close();
    loop.run();
    CHECK(ended);
    CHECK(box.stats().delivered == 3);
}

TEST_CASE("several coroutines take turns") {
    tidings::inline_executor here;
    tidings::bus bus;
    auto box = bus.mailbox<tick>({.resume_on = here});
    std::vector<int> first;
    std::vector<int> second;
    bool first_ended = false;
    bool second_ended = false;
    collect(box, first, first_ended);
    collect(box, second, second_ended);
    for (int n = 1; n <= 4; ++n) bus.publish(tick{n});
    CHECK(first == std::vector<int>{1, 3});
    CHECK(second == std::vector<int>{2, 4});
    box.close();
    CHECK((first_ended && second_ended));
}

TEST_CASE("a coroutine that waits when the bus closes may use it: no lock is held") {
    tidings::inline_executor here;
    tidings::bus bus;
    auto one = bus.mailbox<tick>({.resume_on = here});
    auto two = bus.mailbox<tick>({.resume_on = here});
    std::uint64_t seen = 0;
    const auto uses_the_bus = [&](tidings::mailbox<tick>& box) -> started {
        while (auto e = co_await box.next()) {}
        seen += 1 + bus.stats().rejected;
        auto late = bus.subscribe([](const tick&) {}, tidings::async);
    };
    uses_the_bus(one);
    uses_the_bus(two);
    bus.close();
    CHECK(seen == 2);
}
