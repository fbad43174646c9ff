#include "support/catch.hpp"

#include <tidings/consumer/consumer.hpp>
#include <tidings/consumer/dead_letters.hpp>
#include <tidings/core/bus.hpp>
#include <tidings/testing/simulation.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;

namespace {

struct invoice {
    static constexpr std::string_view event_type = "invoice.sent";
    std::string customer;
    int n;
};

struct office {
    tidings::testing::simulation sim{5};
    int told = 0;
    tidings::bus bus{{.executor = sim.executor(),
                      .clock = sim.clock(),
                      .on_error = [this](const tidings::handler_error&) { ++told; }}};
    bool works = false;
    std::vector<int> handled;

    auto handler() {
        return [this](const invoice& e) {
            if (!works) throw std::runtime_error{"no paper for " + e.customer};
            handled.push_back(e.n);
        };
    }
    static tidings::consumer_options once(tidings::dead_letters& dead) {
        return {.retry = {.max_attempts = 1}, .dead_letters = dead};
    }
};

}  // namespace

TEST_CASE("a letter says what it is of, and why") {
    office o;
    tidings::dead_letters dead;
    tidings::consumer billing{o.bus, "billing", {.retry = {.max_attempts = 2}, .dead_letters = dead}};
    billing.on(o.handler());
    const tidings::event_id id{1, 2};
    o.bus.publish(invoice{"ada", 7},
                  {.topic = "invoices.eu", .key = "ada", .source = "shop", .id = id, .headers = {{"a", "b"}}});
    o.sim.advance(1min);
    REQUIRE(dead.size() == 1);
    const tidings::dead_letter letter = dead.list().front();
    CHECK(letter.id != tidings::event_id{});
    CHECK(letter.id != id);
    CHECK(letter.event_id == id);
    CHECK(letter.consumer == "billing");
    CHECK(letter.event_type == "invoice.sent");
    CHECK(letter.topic == "invoices.eu");
    CHECK(letter.key == "ada");
    CHECK(letter.source == "shop");
    CHECK(letter.headers == tidings::headers{{"a", "b"}});
    CHECK(letter.attempts == 2);
    CHECK(letter.error == "no paper for ada");
    CHECK(letter.history.empty());
    CHECK(letter.event.get_if<invoice>()->n == 7);
    CHECK(dead.find(letter.id)->error == letter.error);
    CHECK_FALSE(dead.find(id));
}

TEST_CASE("letters are found by consumer, type, error and time") {
    office o;
    tidings::dead_letters dead;
    tidings::consumer billing{o.bus, "billing", office::once(dead)};
    tidings::consumer audit{o.bus, "audit", office::once(dead)};
    billing.on(o.handler());
    audit.on([](int) { throw std::runtime_error{"no paper at all"}; });
    const auto before = o.sim.clock().port()->system_now();
    o.bus.publish(invoice{"ada", 1});
    o.sim.advance(1h);
    const auto between = o.sim.clock().port()->system_now();
    o.bus.publish(invoice{"bob", 2});
    o.bus.publish(3);
    o.sim.run_until_idle();
    CHECK(dead.list().size() == 3);
    CHECK(dead.list({}, 2).size() == 2);
    CHECK(dead.list({.consumer = "audit"}).size() == 1);
    CHECK(dead.list({.event_type = "invoice.sent"}).size() == 2);
    CHECK(dead.list({.error_contains = "ada"}).size() == 1);
    CHECK(dead.list({.since = between}).size() == 2);
    CHECK(dead.list({.since = before, .until = between}).size() == 1);
    CHECK(dead.list({.consumer = "nobody"}).empty());
    CHECK(dead.discard_all({.event_type = "invoice.sent"}) == 2);
    CHECK(dead.size() == 1);
    CHECK(dead.stats().discarded == 2);
}

TEST_CASE("a letter that is sent again goes to its consumer alone, with its id, and keeps its history") {
    office o;
    tidings::dead_letters dead;
    tidings::consumer billing{o.bus, "billing", {.retry = {.max_attempts = 2}, .dead_letters = dead}};
    std::vector<tidings::event_id> ids;
    std::vector<int> attempts;
    billing.on([&](const invoice&, const tidings::context& c) {
        ids.push_back(c.id());
        attempts.push_back(c.attempt());
        if (!o.works) throw std::runtime_error{"no"};
    });
    int others = 0;
    tidings::consumer other{o.bus, "other"};
    other.on([&](const invoice&) { ++others; });
    o.bus.publish(invoice{"ada", 1});
    o.sim.advance(1min);
    const auto first = dead.list().front();
    CHECK(dead.redrive(first.id));
    CHECK(dead.empty());
    CHECK_FALSE(dead.redrive(first.id));
    o.sim.advance(1min);
    REQUIRE(dead.size() == 1);
    const auto second = dead.list().front();
    CHECK(second.id != first.id);
    CHECK(second.event_id == first.event_id);
    CHECK(second.attempts == 2);
    REQUIRE(second.history.size() == 1);
    CHECK(second.history.front().attempts == 2);
    CHECK(second.history.front().error == "no");
    CHECK(second.history.front().time == first.time);
    o.works = true;
    CHECK(dead.redrive_all() == 1);
    o.sim.run_until_idle();
    CHECK(dead.empty());
    CHECK(others == 1);
    CHECK(attempts == std::vector<int>{1, 2, 1, 2, 1});
    CHECK(ids == std::vector<tidings::event_id>(5, first.event_id));
    const auto stats = dead.stats();
    CHECK(stats.kept == 2);
    CHECK(stats.redriven == 2);
    CHECK(stats.size == 0);
}

TEST_CASE("without its consumer a letter stays, until there is one of the same name") {
    office o;
    tidings::dead_letters dead;
    std::optional<tidings::consumer> billing{std::in_place, o.bus, "billing", office::once(dead)};
    billing->on(o.handler());
    o.bus.publish(invoice{"ada", 1});
    o.sim.run_until_idle();
    const auto letter = dead.list().front();
    billing.reset();
    o.works = true;
    CHECK_FALSE(dead.redrive(letter.id));
    tidings::consumer another{o.bus, "another", office::once(dead)};
    another.on(o.handler());
    CHECK_FALSE(dead.redrive(letter.id));
    billing.emplace(o.bus, "billing", office::once(dead));
    billing->on([](int) {});  // of another type
    CHECK_FALSE(dead.redrive(letter.id));
    billing->on(o.handler());
    CHECK(dead.redrive(letter.id));
    o.sim.run_until_idle();
    CHECK(o.handled == std::vector<int>{1});
    CHECK(dead.empty());
}

TEST_CASE("a full store refuses, and the event waits and is offered again, without another attempt") {
    office o;
    tidings::dead_letters dead{{.capacity = 1}};
    tidings::consumer billing{
        o.bus, "billing", {.retry = {.max_attempts = 1, .backoff = tidings::fixed(10s)}, .dead_letters = dead}};
    int calls = 0;
    billing.on([&](const invoice&) {
        ++calls;
        throw std::runtime_error{"no"};
    });
    o.bus.publish(invoice{"ada", 1});
    o.bus.publish(invoice{"bob", 2});
    o.sim.advance(1h);
    CHECK(calls == 2);
    CHECK(dead.size() == 1);
    CHECK(billing.stats().events.queued == 1);
    CHECK(billing.stats().unkept > 100);   // each ten seconds
    CHECK(billing.stats().unkept <= 361);  // and no more
    CHECK(dead.discard(dead.list().front().id));
    o.sim.advance(10s);
    REQUIRE(dead.size() == 1);
    CHECK(dead.list().front().event.get_if<invoice>()->n == 2);
    CHECK(dead.list().front().error == "no");
    CHECK(dead.list().front().attempts == 1);
    CHECK(calls == 2);
    CHECK(billing.stats().events.queued == 0);
    CHECK(billing.stats().events.failed == 2);
}

TEST_CASE("a full store is not asked again at once, however short the waits are") {
    for (const auto wait : {0ns, -1ns, 1ns}) {
        office o;
        tidings::dead_letters dead{{.capacity = 1}};
        tidings::consumer billing{
            o.bus, "billing", {.retry = {.max_attempts = 2, .backoff = tidings::fixed(wait)}, .dead_letters = dead}};
        billing.on(o.handler());
        for (int n = 0; n != 3; ++n) o.bus.publish(invoice{"ada", n});
        o.sim.advance(10s);
        CHECK(dead.size() == 1);
        CHECK(billing.stats().events.queued == 2);
        CHECK(billing.stats().unkept <= 101);
        CHECK(billing.stats().retried == 2);
        CHECK(dead.discard_all() == 1);
        o.sim.advance(100ms);
        CHECK(dead.list().front().event.get_if<invoice>()->n == 1);
    }
}

TEST_CASE("a dropped event that was refused, or sent again, leaves nothing to one in its place") {
    for (const bool sent_again : {false, true}) {
        office o;
        tidings::dead_letters dead{{.capacity = 1}};
        tidings::consumer billing{
            o.bus, "billing", {.retry = {.max_attempts = 2, .backoff = tidings::fixed(1h)}, .dead_letters = dead}};
        int calls = 0;
        billing.on(
            [&](const invoice& e) {
                ++calls;
                if (!o.works) throw std::runtime_error{"no paper"};
                o.handled.push_back(e.n);
            },
            tidings::async.capacity(1).when_full(tidings::overflow::drop_oldest));
        o.bus.publish(invoice{"ada", 0});
        o.sim.advance(2h);
        REQUIRE(dead.size() == 1);
        if (sent_again) {
            CHECK(dead.redrive(dead.list().front().id));  // and waits for its second attempt
        } else {
            o.bus.publish(invoice{"ada", 1});
            o.sim.advance(2h);
            CHECK(billing.stats().unkept == 1);
        }
        o.sim.run_until_idle();
        CHECK(billing.stats().events.queued == 1);
        o.works = !sent_again;
        for (int n = 2; n != 40; ++n) {  // each may get the place in memory of one that ended
            o.bus.publish(invoice{"ada", n});
            o.bus.publish(invoice{"bob", n});
            o.sim.run_until_idle();
        }
        if (sent_again) {
            CHECK(dead.empty());
            o.sim.advance(2h);
            REQUIRE(dead.size() == 1);
            CHECK(dead.list().front().history.empty());
        } else {
            CHECK(o.handled.size() == 38);
            CHECK(dead.size() == 1);
        }
    }
}

TEST_CASE("a letter goes to the handler that failed, and to no other of its consumer that is not as full") {
    office o;
    tidings::dead_letters dead;
    tidings::consumer billing{o.bus, "billing", office::once(dead)};
    billing.on(o.handler(), tidings::async.capacity(1).when_full(tidings::overflow::reject));
    std::vector<int> archived;
    billing.on([&](const invoice& e) { archived.push_back(e.n); });
    o.bus.publish(invoice{"ada", 1});
    o.sim.run_until_idle();
    REQUIRE(dead.size() == 1);
    o.bus.publish(invoice{"ada", 2});
    CHECK_FALSE(dead.redrive(dead.list().front().id));
    o.sim.run_until_idle();
    CHECK(archived == std::vector<int>{1, 2});
    CHECK(dead.size() == 2);
}

TEST_CASE("a store that drops the oldest says how many") {
    office o;
    tidings::dead_letters dead{{.capacity = 2, .when_full = tidings::full_of_letters::drop_oldest}};
    tidings::consumer billing{o.bus, "billing", office::once(dead)};
    billing.on(o.handler());
    for (int n = 0; n != 5; ++n) o.bus.publish(invoice{"ada", n});
    o.sim.run_until_idle();
    CHECK(dead.size() == 2);
    CHECK(dead.stats().dropped == 3);
    CHECK(dead.list().front().event.get_if<invoice>()->n == 3);
}

TEST_CASE("letters outlive their bus and their store's last look") {
    tidings::dead_letters dead;
    const auto content = std::make_shared<int>(1);
    {
        office o;
        tidings::consumer c{o.bus, "c", office::once(dead)};
        c.on([](const std::shared_ptr<int>&) { throw std::runtime_error{"no"}; });
        o.bus.publish(std::shared_ptr<int>{content});
        o.sim.run_until_idle();
    }
    REQUIRE(dead.size() == 1);
    CHECK(content.use_count() == 2);
    const auto letter = dead.list().front();
    CHECK_FALSE(dead.redrive(letter.id));
    CHECK(dead.discard(letter.id));
    CHECK_FALSE(dead.discard(letter.id));
}

// --- Behind a dead letter --------------------------------------------------------------------------------------------

TEST_CASE("later events of a dead key can be parked behind it, and come in order when they are sent again") {
    for (std::uint64_t seed = 0; seed != 20; ++seed) {
        tidings::testing::simulation sim{seed};
        tidings::bus bus{
            {.executor = sim.executor(), .clock = sim.clock(), .on_error = [](const tidings::handler_error&) {}}};
        tidings::dead_letters dead;
        bool works = false;
        std::vector<int> handled;
        tidings::consumer billing{
            bus,
            "billing",
            {.retry = {.max_attempts = 1}, .dead_letters = dead, .later_events = tidings::behind_dead::park}};
        billing.on(
            [&](const invoice& e) {
                if (e.n == 1 && !works) throw std::runtime_error{"no"};
                handled.push_back(e.n);
            },
            tidings::async.ordered_by(&invoice::customer).concurrency(3));
        for (int n = 0; n != 5; ++n) bus.publish(invoice{"ada", n});
        bus.publish(invoice{"bob", 10});
        sim.run_until_idle();
        CHECK(dead.size() == 4);  // 1 to 4
        CHECK(handled.size() == 2);
        CHECK(dead.list().back().attempts == 0);

        CHECK(dead.redrive(dead.list().front().id));  // fails again: what is behind it stays
        sim.run_until_idle();
        CHECK(dead.size() == 4);
        CHECK(handled.size() == 2);
        CHECK(dead.list().front().event.get_if<invoice>()->n == 1);  // where it was
        CHECK(dead.redrive_all() == 4);                              // all of them once more behind it
        sim.run_until_idle();
        CHECK(handled.size() == 2);
        for (int n = 1; n != 5; ++n)
            CHECK(dead.list()[static_cast<std::size_t>(n - 1)].event.get_if<invoice>()->n == n);

        works = true;
        CHECK(dead.redrive_all({.error_contains = "no"}) == 1);  // the first alone
        sim.run_until_idle();
        CHECK(handled.back() == 1);
        bus.publish(invoice{"ada", 5});  // still behind 2, 3 and 4
        sim.run_until_idle();
        CHECK(dead.size() == 4);
        CHECK(dead.redrive_all() == 4);
        sim.run_until_idle();
        CHECK(dead.empty());
        CHECK(std::vector<int>(handled.end() - 5, handled.end()) == std::vector<int>{1, 2, 3, 4, 5});
        bus.publish(invoice{"ada", 6});
        sim.run_until_idle();
        CHECK(handled.back() == 6);
    }
}

TEST_CASE("a parked key is free again when its letters are discarded") {
    office o;
    tidings::dead_letters dead;
    tidings::consumer billing{
        o.bus,
        "billing",
        {.retry = {.max_attempts = 1}, .dead_letters = dead, .later_events = tidings::behind_dead::park}};
    billing.on(o.handler(), tidings::async.ordered_by(&invoice::customer));
    o.bus.publish(invoice{"ada", 1});
    o.sim.run_until_idle();
    o.works = true;
    o.bus.publish(invoice{"ada", 2});
    o.sim.run_until_idle();
    CHECK(dead.discard_all() == 2);
    o.bus.publish(invoice{"ada", 3});
    o.sim.run_until_idle();
    CHECK(o.handled == std::vector<int>{3});
}

TEST_CASE("what was published after a dead event comes after it, also where it waits already when that is sent again") {
    office o;
    tidings::dead_letters dead;
    tidings::consumer billing{
        o.bus,
        "billing",
        {.retry = {.max_attempts = 1}, .dead_letters = dead, .later_events = tidings::behind_dead::park}};
    billing.on(o.handler(), tidings::async.ordered_by(&invoice::customer));
    o.bus.publish(invoice{"ada", 1});
    o.sim.run_until_idle();
    o.works = true;
    o.bus.publish(invoice{"ada", 2});             // waits in the queue
    CHECK(dead.redrive(dead.list().front().id));  // and so does this now
    o.sim.run_until_idle();
    while (dead.redrive_all() != 0) o.sim.run_until_idle();
    CHECK(dead.empty());
    CHECK(o.handled == std::vector<int>{1, 2});
}

TEST_CASE("a letter holds up its own handler alone") {
    office o;
    tidings::dead_letters dead;
    tidings::consumer billing{
        o.bus,
        "billing",
        {.retry = {.max_attempts = 1}, .dead_letters = dead, .later_events = tidings::behind_dead::park}};
    billing.on(o.handler(), tidings::async.ordered_by(&invoice::customer));
    std::vector<int> archived;
    billing.on([&](const invoice& e) { archived.push_back(e.n); }, tidings::async.ordered_by(&invoice::customer));
    for (int n = 1; n != 4; ++n) {
        o.bus.publish(invoice{"ada", n});
        o.sim.run_until_idle();
    }
    CHECK(archived == std::vector<int>{1, 2, 3});
    CHECK(dead.size() == 3);
}

TEST_CASE("the letters of a consumer that is gone do not free the keys of its successor") {
    office o;
    tidings::dead_letters dead;
    const tidings::consumer_options options{
        .retry = {.max_attempts = 1}, .dead_letters = dead, .later_events = tidings::behind_dead::park};
    const auto how = tidings::async.ordered_by(&invoice::customer);
    std::optional<tidings::consumer> billing{std::in_place, o.bus, "billing", options};
    billing->on(o.handler(), how);
    o.bus.publish(invoice{"ada", 1});
    o.sim.run_until_idle();
    billing.reset();
    billing.emplace(o.bus, "billing", options);
    billing->on(o.handler(), how);
    o.bus.publish(invoice{"ada", 2});
    o.sim.run_until_idle();
    REQUIRE(dead.size() == 2);
    o.works = true;
    CHECK(dead.redrive(dead.list().front().id));
    o.sim.run_until_idle();
    o.bus.publish(invoice{"ada", 3});  // behind 2, which is dead
    o.sim.run_until_idle();
    CHECK(o.handled == std::vector<int>{1});
    while (dead.redrive_all() != 0) o.sim.run_until_idle();
    CHECK(o.handled == std::vector<int>{1, 2, 3});
}

TEST_CASE("a letter that is sent again before an earlier one of its key stays behind it") {
    office o;
    tidings::dead_letters dead;
    tidings::consumer billing{
        o.bus,
        "billing",
        {.retry = {.max_attempts = 1}, .dead_letters = dead, .later_events = tidings::behind_dead::park}};
    billing.on(o.handler(), tidings::async.ordered_by(&invoice::customer));
    for (int n = 1; n != 4; ++n) o.bus.publish(invoice{"ada", n});
    o.sim.run_until_idle();
    REQUIRE(dead.size() == 3);
    o.works = true;
    CHECK(dead.redrive(dead.list().back().id));
    o.sim.run_until_idle();
    CHECK(o.handled.empty());
    REQUIRE(dead.size() == 3);
    CHECK(dead.list().back().event.get_if<invoice>()->n == 3);
    CHECK(dead.discard(dead.list().front().id));  // whoever gives up the first frees the others
    CHECK(dead.redrive_all() == 2);
    o.sim.run_until_idle();
    CHECK(o.handled == std::vector<int>{2, 3});
}

TEST_CASE("a duplicate that was parked is left out when it is sent again, and its key is free then") {
    office o;
    tidings::dead_letters dead;
    tidings::consumer billing{o.bus,
                              "billing",
                              {.retry = {.max_attempts = 1},
                               .dead_letters = dead,
                               .later_events = tidings::behind_dead::park,
                               .guarantee = tidings::delivery_guarantee::effectively_once}};
    billing.on(o.handler(), tidings::async.ordered_by(&invoice::customer));
    o.works = true;
    o.bus.publish(invoice{"ada", 1}, {.id = {1, 1}});
    o.sim.run_until_idle();
    o.works = false;
    o.bus.publish(invoice{"ada", 2});
    o.sim.run_until_idle();
    o.bus.publish(invoice{"ada", 1}, {.id = {1, 1}});  // once more, and behind 2
    o.sim.run_until_idle();
    CHECK(dead.size() == 2);
    o.works = true;
    CHECK(dead.redrive_all() == 2);
    o.sim.run_until_idle();
    CHECK(o.handled == std::vector<int>{1, 2});
    CHECK(billing.stats().duplicates == 1);
    o.bus.publish(invoice{"ada", 3});
    o.sim.run_until_idle();
    CHECK(o.handled == std::vector<int>{1, 2, 3});
}
