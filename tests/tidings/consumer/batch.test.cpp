#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/hand_clock.hpp"

#include <tidings/consumer/batch.hpp>
#include <tidings/consumer/consumer.hpp>
#include <tidings/consumer/dead_letters.hpp>
#include <tidings/testing/simulation.hpp>
#include <tidings/tidings.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using tidings::async;
using tidings::batch;
using tidings::batch_options;
using tidings::consumer;

struct note {
    std::string user;
    int n = 0;
};

/// Batches as texts: "ann 1 2".
std::string text_of(const batch<note>& of) {
    std::string text = of.front().user;
    for (const note& each : of) text += ' ' + std::to_string(each.n);
    return text;
}

struct desk {
    explicit desk(const tidings::consumer_options& options = {}) : digest{bus, "digest", options} {}

    auto writes_down() {
        return [this](const batch<note>& of) { mails.push_back(text_of(of)); };
    }
    std::vector<std::string> take() { return std::exchange(mails, {}); }
    void publish(const std::string& user, int n) { bus.publish(note{user, n}); }

    tidings::testing::simulation sim{1};
    tidings::bus bus{{.executor = sim.executor(), .clock = sim.clock(), .on_error = [](const auto&) {}}};
    std::vector<std::string> mails;
    consumer digest;
};

using texts = std::vector<std::string>;
constexpr auto by_user = [] { return async.ordered_by(&note::user); };

TEST_CASE("a batch is handled when it has its size, or when its first event has waited") {
    desk d;
    d.digest.on_batch(d.writes_down(), {.size = 3, .within = 5s}, by_user());
    for (int n = 0; n != 7; ++n) d.publish(n % 2 != 0 ? "ann" : "bob", n);
    d.sim.run_until_idle();
    CHECK(d.take() == texts{"bob 0 2 4", "ann 1 3 5"});
    d.sim.advance(4s);
    d.publish("bob", 7);
    d.sim.advance(1s - 1ns);
    CHECK(d.take().empty());
    d.sim.advance(1ns);
    CHECK(d.take() == texts{"bob 6 7"});
    d.publish("bob", 8);
    d.sim.advance(5s - 1ns);
    CHECK(d.take().empty());
    d.sim.advance(1ns);
    CHECK(d.take() == texts{"bob 8"});
    CHECK(d.digest.stats().events == tidings::subscription_stats{.delivered = 9,
                                                                 .high_water = d.digest.stats().events.high_water,
                                                                 .longest_wait = d.digest.stats().events.longest_wait});
}

TEST_CASE("without keys, all go into one batch after the other") {
    desk d;
    d.digest.on_batch(d.writes_down(), {.size = 2, .within = 1s}, async.concurrency(4));
    for (int n = 0; n != 5; ++n) d.publish("u", n);
    d.sim.run_until_idle();
    CHECK(d.take() == texts{"u 0 1", "u 2 3"});
    d.sim.advance(1s);
    CHECK(d.take() == texts{"u 4"});
}

TEST_CASE("batches of one event, of no time, and of all time") {
    SECTION("one") {
        desk d;
        d.digest.on_batch(d.writes_down(), {.size = 0, .within = 1h}, by_user());
        d.publish("a", 1);
        d.publish("a", 2);
        d.sim.run_until_idle();
        CHECK(d.take() == texts{"a 1", "a 2"});
    }
    SECTION("no time: what has come by the time of its turn") {
        desk d;
        d.digest.on_batch(d.writes_down(), {.within = -5s}, async);
        d.publish("a", 1);
        d.sim.run_until_idle();
        CHECK(d.take() == texts{"a 1"});
    }
    SECTION("a nanosecond") {
        desk d;
        d.digest.on_batch(d.writes_down(), {.within = 1ns}, async);
        d.publish("a", 1);
        d.sim.run_until_idle();
        CHECK(d.take().empty());
        d.sim.advance(1ns);
        CHECK(d.take() == texts{"a 1"});
    }
    SECTION("all time") {
        desk d;
        d.digest.on_batch(d.writes_down(), {.size = 2, .within = std::chrono::nanoseconds::max()}, async);
        d.publish("a", 1);
        d.sim.advance(24h * 365);
        CHECK(d.take().empty());
        d.publish("a", 2);
        d.sim.run_until_idle();
        CHECK(d.take() == texts{"a 1 2"});
    }
}

TEST_CASE("events keep their ids, keys and headers, and are not copied") {
    struct pinned {
        explicit pinned(int k) : n{std::make_unique<int>(k)} {}
        std::unique_ptr<int> n;
    };
    desk d;
    std::vector<tidings::event_id> ids;
    d.digest.on_batch(
        [&](const batch<pinned>& of) {
            CHECK(of.size() == 2);
            CHECK(*of[1].n == 2);
            CHECK(std::distance(of.begin(), of.end()) == 2);
            CHECK(of.events()[0].key() == "k");
            CHECK(of.events()[1].headers()[0].value == "v");
            for (const tidings::kept_event& each : of.events()) ids.push_back(each.id());
        },
        {.size = 2});
    const auto first = tidings::event_id::next();
    const auto second = tidings::event_id::next();
    d.bus.publish(pinned{1}, {.key = "k", .id = first});
    d.bus.publish(pinned{2}, {.id = second, .headers = {{"h", "v"}}});
    d.sim.run_until_idle();
    CHECK(ids == std::vector{first, second});
}

TEST_CASE("a batch that fails is tried again as a whole, and holds up its key alone") {
    desk d{{.retry = {.max_attempts = 3, .backoff = tidings::fixed(1min), .jitter = 0}}};
    int failures = 2;
    d.digest.on_batch(
        [&](const batch<note>& of, const tidings::context& c) {
            if (of.front().user == "bad" && failures-- > 0) throw std::runtime_error{"no"};
            d.mails.push_back(std::to_string(c.attempt()) + " " + text_of(of));
        },
        {.size = 2, .within = 1s}, by_user());
    for (int n = 0; n != 5; ++n) d.publish("bad", n);
    for (int n = 0; n != 2; ++n) d.publish("good", n);
    d.sim.advance(30s);
    CHECK(d.take() == texts{"1 good 0 1"});
    CHECK(d.digest.stats().events.queued == 5);
    d.sim.advance(10min);
    CHECK(d.take() == texts{"3 bad 0 1", "1 bad 2 3", "1 bad 4"});
    CHECK(d.digest.stats().retried == 2);
    CHECK(d.digest.stats().events.delivered == 7);
    CHECK(d.digest.stats().events.queued == 0);
}

TEST_CASE("what is given up is one letter with all events, and can be sent again") {
    tidings::dead_letters dead;
    desk d{{.retry = {.max_attempts = 1}, .dead_letters = dead}};
    bool mended = false;
    d.digest.on_batch(
        [&](const batch<note>& of) {
            if (!mended) throw std::runtime_error{"down"};
            d.mails.push_back(text_of(of));
        },
        {.size = 3}, by_user());
    const auto id = tidings::event_id::next();
    d.bus.publish(note{"ann", 1}, {.key = "k1", .id = id});
    d.publish("ann", 2);
    d.publish("ann", 3);
    d.sim.run_until_idle();
    REQUIRE(dead.size() == 1);
    const tidings::dead_letter letter = dead.list().front();
    CHECK(letter.error == "down");
    CHECK(letter.key == "k1");
    const auto* const of = letter.event.get_if<batch<note>>();
    REQUIRE(of != nullptr);
    CHECK(text_of(*of) == "ann 1 2 3");
    CHECK(of->events()[0].id() == id);
    CHECK(d.digest.stats().events.failed == 3);
    CHECK(d.digest.stats().dead_lettered == 1);

    mended = true;
    CHECK(dead.redrive(letter.id));
    CHECK(d.digest.stats().events.queued == 3);
    d.sim.run_until_idle();
    CHECK(d.take() == texts{"ann 1 2 3"});
    CHECK(dead.empty());
    CHECK(d.digest.stats().events.queued == 0);
    CHECK(d.digest.stats().events.delivered == 3);
    CHECK(d.digest.stats().events.accepted() == 6);
}

TEST_CASE("a letter of a batch that is sent again, and never handled, is discarded") {
    tidings::dead_letters dead;
    desk d{{.retry = {.max_attempts = 1},
            .dead_letters = dead,
            .guarantee = tidings::delivery_guarantee::effectively_once}};
    d.digest.on_batch([](const batch<note>&) { throw std::runtime_error{"down"}; }, {.size = 2}, by_user());
    const auto id = tidings::event_id::next();
    for (int n = 0; n != 3; ++n) d.bus.publish(note{"ann", 1}, {.id = id});
    d.publish("ann", 2);
    d.sim.run_until_idle();
    REQUIRE(dead.size() == 1);
    CHECK(dead.redrive_all() == 1);
    d.digest.reset();
    const tidings::subscription_stats counted = d.digest.stats().events;
    CHECK(d.digest.stats().duplicates == 2);
    CHECK(counted.delivered == 2);  // the duplicates
    CHECK(counted.failed == 2);
    CHECK(counted.discarded == 2);
    CHECK(counted.queued == 0);
}

TEST_CASE("a letter of a batch goes to a consumer of the same name, which counts it") {
    tidings::dead_letters dead;
    tidings::testing::simulation sim{1};
    tidings::bus bus{{.executor = sim.executor(), .clock = sim.clock(), .on_error = [](const auto&) {}}};
    {
        consumer first{bus, "digest", {.retry = {.max_attempts = 1}, .dead_letters = dead}};
        first.on_batch([](const batch<note>&) { throw std::runtime_error{"down"}; }, {.size = 2}, by_user());
        bus.publish(note{"ann", 1});
        bus.publish(note{"ann", 2});
        sim.run_until_idle();
    }
    REQUIRE(dead.size() == 1);
    CHECK(dead.redrive_all() == 0);
    consumer second{bus, "digest", {.dead_letters = dead}};
    texts mails;
    second.on_batch([&](const batch<note>& of) { mails.push_back(text_of(of)); }, {.size = 7, .within = 1h}, by_user());
    CHECK(dead.redrive_all() == 1);
    CHECK(second.stats().events.queued == 2);
    sim.run_until_idle();
    CHECK(mails == texts{"ann 1 2"});
    CHECK(second.stats().events.delivered == 2);
    CHECK(second.stats().events.queued == 0);
}

TEST_CASE("a closed consumer takes no letters") {
    tidings::dead_letters dead;
    desk d{{.retry = {.max_attempts = 1}, .dead_letters = dead}};
    d.digest.on_batch([](const batch<note>&) { throw std::runtime_error{"down"}; }, {.size = 1}, by_user());
    d.publish("ann", 1);
    d.sim.run_until_idle();
    d.digest.close();
    CHECK(dead.redrive_all() == 0);
    CHECK(dead.size() == 1);
    CHECK(d.digest.stats().events.queued == 0);
}

TEST_CASE("later batches of a key are parked behind its letter, and sent again behind it") {
    tidings::dead_letters dead;
    desk d{{.retry = {.max_attempts = 1}, .dead_letters = dead, .later_events = tidings::behind_dead::park}};
    bool mended = false;
    d.digest.on_batch(
        [&](const batch<note>& of) {
            if (!mended && of.front().user == "bad") throw tidings::permanent_failure{"down"};
            d.mails.push_back(text_of(of));
        },
        {.size = 2, .within = 1s}, by_user());
    for (int n = 0; n != 5; ++n) d.publish("bad", n);
    d.publish("good", 1);
    d.sim.advance(5s);
    CHECK(d.take() == texts{"good 1"});
    REQUIRE(dead.size() == 3);
    CHECK(dead.list()[1].attempts == 0);
    mended = true;
    d.publish("bad", 5);
    CHECK(dead.redrive_all() == 3);
    d.sim.advance(5s);
    CHECK(d.take() == texts{"bad 0 1", "bad 2 3", "bad 4", "bad 5"});
    CHECK(dead.empty());
    CHECK(d.digest.stats().events.queued == 0);
}

TEST_CASE("a batch counts once for the rate limit and for the breaker, and is not handled while that is open") {
    desk d{{.retry = {.max_attempts = 10, .backoff = tidings::fixed(1s), .jitter = 0},
            .circuit_breaker = tidings::circuit_breaker_options{.failures = 2, .open_for = 1min}}};
    int calls = 0;
    d.digest.on_batch(
        [&](const batch<note>& of) {
            if (++calls <= 2) throw std::runtime_error{"down"};
            d.mails.push_back(text_of(of));
        },
        {.size = 3, .within = 1s}, by_user());
    for (int n = 0; n != 3; ++n) d.publish("ann", n);
    d.sim.advance(30s);
    CHECK(calls == 2);
    CHECK(d.digest.breaker() == tidings::breaker_state::open);
    for (int n = 3; n != 8; ++n) d.publish("ann", n);
    d.sim.advance(20s);
    d.digest.flush();
    d.sim.run_until_idle();
    CHECK(calls == 2);
    CHECK(d.digest.stats().events.queued == 8);
    d.sim.advance(1min);
    CHECK(d.take() == texts{"ann 0 1 2", "ann 3 4 5", "ann 6 7"});

    desk slow{{.rate_limit = tidings::rate_limit{.events = 1, .per = 10s}}};
    slow.digest.on_batch(slow.writes_down(), {.size = 2, .within = 1s}, by_user());
    for (int n = 0; n != 4; ++n) slow.publish("ann", n);
    slow.sim.advance(9s);
    CHECK(slow.take() == texts{"ann 0 1"});
    slow.sim.advance(1s);
    CHECK(slow.take() == texts{"ann 2 3"});
}

TEST_CASE("at most once is once for a batch") {
    desk d{{.guarantee = tidings::delivery_guarantee::at_most_once}};
    int calls = 0;
    d.digest.on_batch(
        [&](const batch<note>&) {
            ++calls;
            throw std::runtime_error{"down"};
        },
        {.size = 2, .within = 1s}, by_user());
    for (int n = 0; n != 2; ++n) d.publish("ann", n);
    d.sim.advance(1h);
    CHECK(calls == 1);
    CHECK(d.digest.stats().given_up == 1);
    CHECK(d.digest.stats().events.failed == 2);
}

TEST_CASE("ten thousand keys wait side by side, each for its own time") {
    desk d;
    d.digest.on_batch(d.writes_down(), {.size = 3, .within = 1min, .held = 30'000},
                      async.ordered_by(&note::n).capacity(10'000));
    for (int key = 0; key != 10'000; ++key) {
        d.publish("u", key);
        if (key % 100 == 99) d.sim.advance(1ms);
    }
    CHECK(d.take().empty());
    for (int key = 0; key != 10'000; key += 2) d.publish("u", key);
    d.sim.advance(1min - 100ms - 1ns);
    CHECK(d.take().empty());
    d.sim.advance(1ns);
    CHECK(d.take().size() == 100);
    d.sim.advance(100ms);
    CHECK(d.take().size() == 9'900);
    CHECK(d.digest.stats().events.delivered == 15'000);
    CHECK(d.digest.stats().events.queued == 0);
}

TEST_CASE("drain() waits until batches are due; flush() has them handled now") {
    tidings::thread_pool pool{2};
    tidings::bus bus{{.executor = pool}};
    consumer digest{bus, "digest"};
    texts mails;
    digest.on_batch([&](const batch<note>& of) { mails.push_back(text_of(of)); }, {.size = 10, .within = 20ms},
                    by_user());
    bus.publish(note{"ann", 1});
    bus.publish(note{"ann", 2});
    bus.drain();
    CHECK(mails == texts{"ann 1 2"});

    mails.clear();
    consumer patient{bus, "patient"};
    patient.on_batch([&](const batch<note>& of) { mails.push_back(text_of(of)); }, {.size = 10, .within = 24h},
                     async.filter([](const note& of) { return of.user == "zoe"; }));
    digest.reset();
    bus.publish(note{"zoe", 1});
    patient.flush();
    bus.drain();
    CHECK(mails == texts{"zoe 1"});
}

TEST_CASE("flush() is for what was published before it, collected or not, and for nothing else") {
    desk d;
    d.digest.on_batch(d.writes_down(), {.size = 10, .within = 1h}, by_user());
    d.publish("ann", 1);
    d.sim.run_until_idle();
    d.publish("ann", 2);  // stands in the queue yet
    d.publish("bob", 3);
    d.digest.flush();
    d.sim.advance(1ns);
    CHECK(d.digest.stats().events.delivered == 3);
    CHECK(d.digest.stats().events.queued == 0);
    d.take();
    d.publish("ann", 4);
    d.sim.advance(1h - 1ns);
    CHECK(d.take().empty());
    d.sim.advance(1ns);
    CHECK(d.take() == texts{"ann 4"});
}

TEST_CASE("a flush ends, also where its batches lead to further ones at the same moment") {
    desk d;
    d.digest.on_batch(
        [&](const batch<note>& of) {
            if (d.mails.size() < 100) d.publish("ann", of[of.size() - 1].n + 1);
            d.mails.push_back(text_of(of));
        },
        {.size = 10, .within = 1h}, by_user());
    SECTION("what is collected") {
        d.publish("ann", 1);
        d.sim.run_until_idle();
        d.digest.flush();
    }
    SECTION("what is not") {
        d.publish("ann", 1);
        d.digest.flush();
    }
    d.sim.run_until_idle();
    CHECK(d.take() == texts{"ann 1"});
    d.publish("ann", 3);
    d.sim.run_until_idle();
    CHECK(d.take().empty());
    d.sim.advance(1h);
    CHECK(d.take() == texts{"ann 2 3"});
}

TEST_CASE("a flush of nothing leaves what comes at the same moment alone") {
    desk d;
    d.digest.on_batch(d.writes_down(), {.size = 10, .within = 1h}, by_user());
    d.digest.flush();
    d.publish("ann", 1);
    d.sim.run_until_idle();
    CHECK(d.take().empty());
}

TEST_CASE("flush() returns, also where handlers run inside it and publish") {
    tidings::inline_executor here;
    tidings::bus bus{{.executor = here}};
    consumer digest{bus, "digest"};
    int calls = 0;
    digest.on_batch(
        [&](const batch<note>&) {
            if (++calls < 100) bus.publish(note{"ann", 2});
        },
        {.size = 10, .within = 1h}, by_user());
    bus.publish(note{"ann", 1});
    digest.flush();
    CHECK(calls == 1);
    CHECK(digest.stats().events.queued == 1);
}

TEST_CASE("close() takes nothing more, and loses nothing") {
    desk d;
    d.digest.on_batch(d.writes_down(), {.size = 10, .within = 24h}, by_user());
    d.publish("ann", 1);
    d.sim.run_until_idle();
    d.publish("ann", 2);  // stands in the queue yet
    d.publish("bob", 3);
    d.digest.close();
    CHECK(d.bus.publish(note{"bob", 4}).rejected == 1);
    d.sim.run_until_idle();
    std::map<std::string, std::string> all;
    for (const std::string& each : d.take()) all[each.substr(0, 3)] += each.substr(3);
    CHECK(all == std::map<std::string, std::string>{{"ann", " 1 2"}, {"bob", " 3"}});
    CHECK(d.digest.stats().events.delivered == 3);
    CHECK(d.digest.stats().events.rejected == 1);
    d.digest.close();
    d.digest.flush();
}

TEST_CASE("what waits when the consumer ends is discarded, and counted") {
    desk d;
    d.digest.on_batch(d.writes_down(), {.size = 3, .within = 1h}, by_user());
    for (int n = 0; n != 4; ++n) d.publish("ann", n);
    d.sim.run_until_idle();
    d.publish("ann", 5);
    d.digest.reset();
    CHECK(d.take() == texts{"ann 0 1 2"});
    d.sim.advance(2h);
    CHECK(d.take().empty());
    CHECK(d.digest.stats().events.delivered == 3);
    CHECK(d.digest.stats().events.discarded == 2);
    CHECK(d.digest.stats().events.queued == 0);
}

TEST_CASE("what the handler publishes is caused by the batch, and its letter has the batch's type") {
    struct mailed {};
    tidings::dead_letters dead;
    desk d{{.retry = {.max_attempts = 1}, .dead_letters = dead}};
    std::vector<tidings::event_id> ids;
    const auto sees = d.bus.subscribe([&](const mailed&, const tidings::context& c) {
        ids.push_back(c.causation_id());
        ids.push_back(c.correlation_id());
    });
    const auto event = tidings::event_id::next();
    d.digest.on_batch(
        [&](const batch<note>&, const tidings::context& c) {
            CHECK(c.key() == "k");
            CHECK(c.headers().empty());
            ids.push_back(c.id());
            d.bus.publish(mailed{});
            throw std::runtime_error{"down"};
        },
        {.size = 2}, by_user());
    d.bus.publish(note{"ann", 1}, {.key = "k", .id = event, .headers = {{"h", "v"}}});
    d.publish("ann", 2);
    d.sim.run_until_idle();
    REQUIRE(ids.size() == 3);
    CHECK(ids[0] != event);
    CHECK(ids[1] == ids[0]);
    CHECK(ids[2] == ids[0]);
    REQUIRE(dead.size() == 1);
    CHECK(dead.list()[0].event_id == ids[0]);
    CHECK(dead.list()[0].event_type == tidings::event_name<batch<note>>());
}

TEST_CASE("a handler of batches may flush and close its consumer, and ask it") {
    desk d;
    d.digest.on_batch(
        [&](const batch<note>& of) {
            d.mails.push_back(text_of(of));
            CHECK(d.digest.stats().events.queued >= of.size());
            if (d.mails.size() == 1) d.digest.flush();
            if (d.mails.size() == 2) d.digest.close();
        },
        {.size = 2, .within = 24h}, by_user());
    for (int n = 0; n != 2; ++n) d.publish("ann", n);
    d.publish("bob", 2);
    d.publish("cid", 3);
    d.sim.run_until_idle();
    CHECK(d.mails.size() == 3);
    CHECK(d.digest.stats().events.delivered == 4);
    CHECK(d.bus.publish(note{"ann", 9}).rejected == 1);
}

TEST_CASE("threads that publish and flush, a handler that fails, and a pool: each key in order, each event once") {
    constexpr int of_each = 2'000;
    constexpr int keys = 8;
    tidings::thread_pool pool{2};
    tidings::bus bus{{.executor = pool, .on_error = [](const auto&) {}}};
    consumer digest{bus, "digest", {.retry = {.max_attempts = 100, .backoff = tidings::fixed(50us)}}};
    std::map<std::string, std::vector<int>> seen;
    for (int key = 0; key != keys; ++key) seen["u" + std::to_string(key)].reserve(of_each);
    std::atomic<int> calls{0};
    digest.on_batch(
        [&](const batch<note>& of) {
            if (calls.fetch_add(1) % 16 == 0) throw std::runtime_error{"no"};
            for (const note& each : of) seen.at(each.user).push_back(each.n);  // one key, one at a time
        },
        {.size = 7, .within = 300us, .held = 100}, by_user().capacity(50));
    std::vector<std::thread> publishers;
    for (int t = 0; t != 2; ++t)
        publishers.emplace_back([&, t] {
            for (int n = 0; n != of_each; ++n) {
                for (int key = t; key < keys; key += 2) bus.publish(note{"u" + std::to_string(key), n});
                if (n % 100 == 0) digest.flush();
            }
        });
    for (std::thread& each : publishers) each.join();
    digest.close();
    bus.drain();
    for (const auto& [user, numbers] : seen) {
        CAPTURE(user);
        REQUIRE(numbers.size() == of_each);
        CHECK(std::is_sorted(numbers.begin(), numbers.end()));
    }
    CHECK(digest.stats().events.delivered == of_each * keys);
    CHECK(digest.stats().events.queued == 0);
}

TEST_CASE("what is discarded counts as that, also where a handler has kept it") {
    desk d{{.retry = {.max_attempts = 2, .backoff = tidings::fixed(1h)}}};
    std::vector<batch<note>> kept;
    d.digest.on_batch(
        [&](const batch<note>& of) {
            kept.push_back(of);
            throw std::runtime_error{"no"};
        },
        {.size = 2}, by_user());
    for (int n = 0; n != 2; ++n) d.publish("ann", n);
    d.sim.run_until_idle();
    REQUIRE(kept.size() == 1);
    CHECK(d.digest.stats().events.queued == 2);
    for (int looks = 0; looks != 2; ++looks) {
        d.digest.reset();
        CHECK(d.digest.stats().events.queued == 0);
        CHECK(d.digest.stats().events.discarded == 2);
        kept.clear();
    }
}

TEST_CASE("a handler of batches may end its consumer") {
    tidings::testing::simulation sim{1};
    tidings::bus bus{{.executor = sim.executor(), .clock = sim.clock()}};
    auto digest = std::make_unique<consumer>(bus, "digest");
    int handled = 0;
    digest->on_batch(
        [&](const batch<note>& of) {
            ++handled;
            digest.reset();
            CHECK(of.front().n == 0);
        },
        {.size = 2}, by_user());
    for (int n = 0; n != 6; ++n) bus.publish(note{"ann", n});
    sim.run_until_idle();
    CHECK(handled == 1);
    CHECK(bus.publish(note{}).queued == 0);
}

TEST_CASE("no more events are held than may be") {
    desk d;
    d.digest.on_batch(d.writes_down(), {.size = 100, .within = 24h, .held = 3}, by_user().capacity(1'000));
    for (int n = 0; n != 10; ++n) d.publish("u" + std::to_string(n), n);
    d.sim.run_until_idle();
    // Each time there were three, they made room for those behind them. Three at most wait for company.
    CHECK(d.mails.size() >= 7);
    CHECK(d.mails.size() < 10);
    d.digest.flush();
    d.sim.run_until_idle();
    CHECK(d.mails.size() == 10);
    CHECK(d.digest.stats().events.delivered == 10);
}

TEST_CASE("while a batch waits to be tried again, what comes is held within its bound, and then goes on") {
    desk d{{.retry = {.max_attempts = 2, .backoff = tidings::fixed(1min), .jitter = 0}}};
    int calls = 0;
    d.digest.on_batch(
        [&](const batch<note>& of) {
            if (++calls == 1) throw std::runtime_error{"no"};
            d.mails.push_back(text_of(of));
        },
        {.size = 2, .within = 1s, .held = 4}, by_user().capacity(3).when_full(tidings::overflow::reject));
    for (int n = 0; n != 3; ++n) d.publish("a", n);
    d.sim.run_until_idle();
    for (int n = 3; n != 6; ++n) d.publish("a", n);
    d.sim.run_until_idle();
    for (int n = 6; n != 9; ++n) d.publish("a", n);
    d.sim.run_until_idle();
    CHECK(d.digest.stats().events.queued == 7);
    CHECK(d.digest.stats().events.rejected == 2);
    d.sim.advance(1min);
    d.sim.advance(1s);
    CHECK(d.digest.stats().events.delivered == 7);
    CHECK(d.digest.stats().events.queued == 0);
    CHECK(d.take() == texts{"a 0 1", "a 2 3", "a 4 5", "a 6"});
}

TEST_CASE("an event whose id was collected before is left out") {
    desk d{{.guarantee = tidings::delivery_guarantee::effectively_once}};
    d.digest.on_batch(d.writes_down(), {.size = 2, .within = 1s});
    const auto id = tidings::event_id::next();
    for (int n = 0; n != 3; ++n) d.bus.publish(note{"a", 1}, {.id = id});
    d.publish("a", 2);
    d.sim.run_until_idle();
    CHECK(d.take() == texts{"a 1 2"});
    CHECK(d.digest.stats().duplicates == 2);
}

TEST_CASE("an event of a batch that was given up is heard again") {
    desk d{{.retry = {.max_attempts = 1}, .guarantee = tidings::delivery_guarantee::effectively_once}};
    int calls = 0;
    d.digest.on_batch(
        [&](const batch<note>& of) {
            if (++calls == 1) throw std::runtime_error{"no"};
            d.mails.push_back(text_of(of));
        },
        {.size = 1});
    const auto id = tidings::event_id::next();
    for (int n = 0; n != 3; ++n) {
        d.bus.publish(note{"a", 1}, {.id = id});
        d.sim.run_until_idle();
    }
    CHECK(d.take() == texts{"a 1"});
    CHECK(d.digest.stats().given_up == 1);
    CHECK(d.digest.stats().duplicates == 1);
}

struct colliding {
    int value = 0;
    friend bool operator==(const colliding&, const colliding&) = default;
};

}  // namespace

template <>
struct std::hash<colliding> {
    std::size_t operator()(const colliding&) const noexcept { return 7; }
};

namespace {

TEST_CASE("keys with the same hash have batches of their own") {
    desk d;
    d.digest.on_batch(d.writes_down(), {.size = 2, .within = 1s},
                      async.ordered_by([](const note& of) { return colliding{of.n % 3}; }));
    for (int n = 0; n != 7; ++n) d.publish("u" + std::to_string(n % 3), n);
    d.sim.advance(5s);
    texts all = d.take();
    std::sort(all.begin(), all.end());
    CHECK(all == texts{"u0 0 3", "u0 6", "u1 1 4", "u2 2 5"});
}

TEST_CASE("a key that cannot be compared gives batches of their own") {
    struct throwing {
        int value = 0;
        bool operator==(const throwing&) const { throw std::runtime_error{"no"}; }
    };
    struct hash_only {
        int value;
    };
    desk d;
    bool comparing = false;
    d.digest.on_batch(d.writes_down(), {.size = 2, .within = 1s}, async.ordered_by([&](const note& of) {
        if (comparing) throw std::runtime_error{"no"};
        return of.user;
    }));
    d.publish("a", 1);
    d.publish("a", 2);
    comparing = true;
    d.sim.advance(2s);
    CHECK(d.take() == texts{"a 1", "a 2"});
    static_cast<void>(sizeof(throwing) + sizeof(hash_only));
}

TEST_CASE("a key that throws does not let a later event into an earlier batch") {
    desk d;
    bool throws = false;
    d.digest.on_batch(d.writes_down(), {.size = 10, .within = 1s}, async.ordered_by([&](const note& of) {
        if (std::exchange(throws, false)) throw std::runtime_error{"no"};
        return of.user;
    }));
    for (int n = 0; n != 6; ++n) {
        d.publish("a", n);
        throws = n == 1 || n == 2;  // when it is collected
        d.sim.run_until_idle();
    }
    d.sim.advance(1s);
    CHECK(d.take() == texts{"a 0", "a 1", "a 2 3 4 5"});
}

TEST_CASE("a batch whose handler ends its consumer is queued until the handler has returned") {
    desk d;
    d.digest.on_batch(
        [&](const batch<note>& of) {
            d.digest.reset();
            CHECK(d.digest.stats().events.queued >= of.size());
        },
        {.size = 2}, by_user());
    for (int n = 0; n != 5; ++n) d.publish("a", n);
    d.sim.run_until_idle();
    CHECK(d.digest.stats().events.queued == 0);
    CHECK(d.digest.stats().events.delivered == 2);
    CHECK(d.digest.stats().events.discarded == 3);
}

TEST_CASE("in any order of events, flushes and time: every event once, keys in order, batches within their size") {
    for (std::uint32_t seed = 0; seed != 200; ++seed) {
        CAPTURE(seed);
        std::mt19937 random{seed};
        const auto one_of = [&](unsigned n) { return static_cast<unsigned>(random()) % n; };
        tidings::dead_letters dead;
        desk d{{.retry = {.max_attempts = 2, .backoff = tidings::fixed(700ms)}, .dead_letters = dead}};
        std::map<std::string, int> last;
        std::size_t handled = 0;
        const std::size_t size = 1 + one_of(4);
        d.digest.on_batch(
            [&](const batch<note>& of) {
                CHECK(of.size() <= size);
                if (one_of(4) == 0) throw std::runtime_error{"no"};
                for (const note& each : of) {
                    CHECK(each.user == of.front().user);
                    CHECK(each.n > last[each.user]);
                    last[each.user] = each.n;
                }
                handled += of.size();
            },
            {.size = size, .within = 1s, .held = 1 + one_of(20)}, by_user().capacity(1'000));
        int published = 0;
        for (int step = 0; step != 60; ++step) {
            switch (one_of(4)) {
                case 0:
                    d.sim.advance(std::chrono::milliseconds{one_of(900)});
                    break;
                case 1:
                    d.digest.flush();
                    break;
                default:
                    d.publish("u" + std::to_string(one_of(5)), ++published);
            }
        }
        d.digest.close();
        d.sim.advance(1min);
        std::size_t in_letters = 0;
        for (const auto& each : dead.list()) in_letters += each.event.get_if<batch<note>>()->size();
        CHECK(handled + in_letters == static_cast<std::size_t>(published));
        CHECK(d.digest.stats().events.delivered == handled);
        CHECK(d.digest.stats().events.failed == in_letters);
        CHECK(d.digest.stats().events.queued == 0);
    }
}

TEST_CASE("a lack of memory delays a batch, and loses nothing") {
    if (!support::counts_allocations) return;
    const auto guarantee =
        GENERATE(tidings::delivery_guarantee::at_least_once, tidings::delivery_guarantee::effectively_once);
    bool failed = true;
    for (std::int64_t n = 1; failed; ++n) {
        CAPTURE(n);
        const auto clock = std::make_shared<support::hand_clock>();
        tidings::manual_executor loop;
        tidings::bus bus{{.executor = loop, .clock = tidings::clock_ref{clock}, .on_error = [](const auto&) {}}};
        consumer digest{bus, "digest", {.guarantee = guarantee}};
        std::size_t handled = 0;
        digest.on_batch([&](const batch<note>& of) { handled += of.size(); }, {.size = 3, .within = 1s}, by_user());
        std::uint64_t accepted = 0;
        {
            const support::failing_allocation now{n, support::failing::once};
            for (int k = 0; k != 4; ++k) {
                try {
                    accepted += bus.publish(note{"a", k}).queued;
                } catch (const std::bad_alloc&) {}
            }
            loop.run();
            failed = support::failed_here != 0;
        }
        while (clock->ring_next()) loop.run();
        CHECK(handled == accepted);
        CHECK(digest.stats().events.delivered == accepted);
        CHECK(digest.stats().events.queued == 0);
    }
}

TEST_CASE("a letter of a batch that cannot be sent for want of memory stays, and counts as before") {
    if (!support::counts_allocations) return;
    bool failed = true;
    for (std::int64_t n = 1; failed; ++n) {
        CAPTURE(n);
        tidings::dead_letters dead;
        desk d{{.retry = {.max_attempts = 1}, .dead_letters = dead}};
        bool mended = false;
        d.digest.on_batch(
            [&](const batch<note>&) {
                if (!mended) throw std::runtime_error{"down"};
            },
            {.size = 2}, by_user());
        for (int k = 0; k != 2; ++k) d.publish("ann", k);
        d.sim.run_until_idle();
        mended = true;
        std::size_t sent = 0;
        {
            const support::failing_allocation now{n, support::failing::once};
            try {
                sent = dead.redrive_all();
            } catch (const std::bad_alloc&) {}
            failed = support::failed_here != 0;
        }
        CHECK(dead.size() + sent == 1);
        CHECK(d.digest.stats().events.queued == 2 * sent);
        dead.redrive_all();
        d.sim.run_until_idle();
        CHECK(d.digest.stats().events.delivered == 2);
        CHECK(d.digest.stats().events.discarded == 0);
        CHECK(d.digest.stats().events.queued == 0);
    }
}

TEST_CASE("keys that are idle leave nothing behind") {
    // By size, and by time.
    const auto size = GENERATE(std::size_t{2}, std::size_t{3});
    const auto clock = std::make_shared<support::hand_clock>();
    tidings::manual_executor loop;
    tidings::bus bus{{.executor = loop, .clock = tidings::clock_ref{clock}}};
    consumer digest{bus, "digest"};
    std::size_t handled = 0;
    digest.on_batch([&](const batch<note>& of) { handled += of.size(); }, {.size = size, .within = 1s},
                    async.ordered_by(&note::n));
    std::int64_t before = 0;
    for (int n = 0; n != 20'000; ++n) {
        if (n == 2'000) before = support::blocks_in_use.load();
        bus.publish(note{"u", n});
        bus.publish(note{"u", n});
        loop.run();
        while (clock->ring_next()) loop.run();
    }
    CHECK(handled == 40'000);
    if (support::counts_allocations) CHECK(support::blocks_in_use.load() - before < 50);
}

}  // namespace
