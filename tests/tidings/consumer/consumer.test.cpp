#include "support/captures.hpp"
#include "support/catch.hpp"

#include <tidings/consumer/consumer.hpp>
#include <tidings/core/bus.hpp>
#include <tidings/executor/manual_executor.hpp>
#include <tidings/executor/thread_pool.hpp>
#include <tidings/testing/simulation.hpp>
#include <tidings/topic/topic.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using tidings::breaker_state;

namespace {

struct order {
    static constexpr std::string_view event_type = "order.placed";
    int customer;
    int n;
};
struct refund {
    int n;
};

struct world {
    explicit world(std::uint64_t seed = 1) : sim{seed} {}

    tidings::testing::simulation sim;
    std::vector<std::string> told;
    tidings::bus bus{{.executor = sim.executor(),
                      .clock = sim.clock(),
                      .on_error = [this](const tidings::handler_error& e) { told.emplace_back(e.what()); }}};
    tidings::dead_letters dead;
    std::vector<int> handled;
    bool broken = false;

    auto now() const { return sim.clock().port()->now(); }
    auto handler() {
        return [this](const order& e) {
            if (broken) throw std::runtime_error{"broken"};
            handled.push_back(e.n);
        };
    }
};

}  // namespace

TEST_CASE("a consumer without failures is a subscription") {
    world w;
    tidings::consumer c{w.bus, "c"};
    c.on(w.handler());
    for (int n = 0; n != 3; ++n) w.bus.publish(order{0, n});
    w.sim.run_until_idle();
    CHECK(w.handled == std::vector<int>{0, 1, 2});
    CHECK(c.stats().events.delivered == 3);
    CHECK(c.name() == "c");
    CHECK(c.breaker() == breaker_state::closed);
}

TEST_CASE("handlers are callables, members of objects, listeners and those of topics") {
    struct object {
        int seen = 0;
        void took(const order&) { ++seen; }
    };
    struct listener {
        using listens_to = tidings::events<order, refund>;
        std::vector<std::string> seen;
        int failures = 1;
        void on(const order& e) {
            if (failures-- > 0) throw std::runtime_error{"not yet"};
            seen.push_back("order " + std::to_string(e.n));
        }
        void on(const refund& e) { seen.push_back("refund " + std::to_string(e.n)); }
    };
    world w;
    object o;
    listener l;
    int topics = 0;
    int any = 0;
    int generic = 0;
    const auto kept = std::make_shared<object>();
    auto gone = std::make_shared<object>();
    tidings::consumer c{w.bus, "c"};
    c.on(&object::took, o)
        .on(&object::took, kept)
        .on(&object::took, std::weak_ptr{gone})
        .on(l)
        .on(tidings::topic{"order.*"}, [&](const order&) { ++topics; })
        .on(tidings::topic{"#"}, [&](const tidings::any_event&) { ++any; })
        .on<order>([&](const auto&) { ++generic; });
    gone.reset();
    w.bus.publish(order{0, 1});
    w.bus.publish(refund{2});
    w.sim.advance(1s);
    CHECK(o.seen == 1);
    CHECK(kept->seen == 1);
    CHECK(l.seen == std::vector<std::string>{"order 1", "refund 2"});  // of one queue: the failure holds up both
    CHECK(topics == 1);
    CHECK(any == 2);
    CHECK(generic == 1);
    CHECK(c.stats().retried == 1);
}

TEST_CASE("attempts, their waits, and the end of them") {
    world w;
    std::vector<std::chrono::nanoseconds> times;
    const auto begun = w.now();
    tidings::consumer c{
        w.bus, "c", {.retry = {.max_attempts = 4, .backoff = tidings::exponential(100ms, 250ms), .jitter = 0}}};
    c.on([&](const order&) {
        times.push_back(w.now() - begun);
        throw std::runtime_error{"never"};
    });
    w.bus.publish(order{});
    w.sim.advance(1min);
    CHECK(times == std::vector<std::chrono::nanoseconds>{0ms, 100ms, 300ms, 550ms});
    CHECK(w.told == std::vector<std::string>(4, "never"));
    const auto stats = c.stats();
    CHECK(stats.retried == 3);
    CHECK(stats.given_up == 1);
    CHECK(stats.dead_lettered == 0);
    CHECK(stats.events.failed == 1);
    CHECK(stats.events.queued == 0);
}

TEST_CASE("jitter only lengthens, and comes of the seed") {
    const auto times_of = [](std::uint64_t seed) {
        world w{seed};
        std::vector<std::chrono::nanoseconds> times;
        const auto begun = w.now();
        tidings::consumer c{w.bus, "c", {.retry = {.backoff = tidings::fixed(100ms), .jitter = 0.5}}};
        c.on([&](const order&) {
            times.push_back(w.now() - begun);
            throw std::runtime_error{"never"};
        });
        w.bus.publish(order{});
        w.sim.advance(1min);
        return times;
    };
    const auto first = times_of(1);
    REQUIRE(first.size() == 5);
    for (std::size_t n = 1; n != 5; ++n) {
        CHECK(first[n] - first[n - 1] >= 100ms);
        CHECK(first[n] - first[n - 1] <= 150ms);
    }
    CHECK(first == times_of(1));
    CHECK(first != times_of(2));
}

TEST_CASE("permanent failures are not tried again") {
    world w;
    int calls = 0;
    tidings::consumer c{
        w.bus,
        "c",
        {.retry = {.permanent = tidings::permanent_errors<std::invalid_argument>()}, .dead_letters = w.dead}};
    c.on([&](const order& e) {
        ++calls;
        if (e.n == 0) throw tidings::permanent_failure{"cannot be read"};
        throw std::invalid_argument{"makes no sense"};
    });
    w.bus.publish(order{0, 0});
    w.bus.publish(order{0, 1});
    w.sim.run_until_idle();
    CHECK(calls == 2);
    REQUIRE(w.dead.size() == 2);
    CHECK(w.dead.list()[0].error == "cannot be read");
    CHECK(w.dead.list()[1].attempts == 1);
}

TEST_CASE("a test for permanent errors that throws says no") {
    world w;
    tidings::consumer c{
        w.bus, "c", {.retry = {.max_attempts = 2, .permanent = [](const std::exception_ptr&) -> bool { throw 7; }}}};
    c.on([&](const order&) { throw std::runtime_error{"no"}; });
    w.bus.publish(order{});
    w.sim.advance(1s);
    CHECK(c.stats().retried == 1);
}

TEST_CASE("what is not an exception of the standard's, and an attempt more than none") {
    world w;
    tidings::consumer c{w.bus, "c", {.retry = {.max_attempts = 0}, .dead_letters = w.dead}};
    c.on([](const order&) { throw 7; });
    w.bus.publish(order{});
    w.sim.run_until_idle();
    REQUIRE(w.dead.size() == 1);
    CHECK(w.dead.list().front().attempts == 1);
}

TEST_CASE("e1 fails twice and still comes before e2 and e3, and fifty other keys finish meanwhile") {
    tidings::thread_pool pool{2};
    tidings::bus bus{{.executor = pool, .on_error = [](const tidings::handler_error&) {}}};
    std::atomic<int> others{0};
    std::atomic<int> failures{2};
    std::vector<int> ada;  // one at a time, by its key
    int others_before_first = -1;
    tidings::consumer c{bus, "c", {.retry = {.backoff = tidings::fixed(200ms), .jitter = 0}}};
    c.on(
        [&](const order& e) {
            if (e.customer != 0) {
                ++others;
                return;
            }
            if (e.n == 1 && failures-- > 0) throw std::runtime_error{"not yet"};
            if (ada.empty()) others_before_first = others;
            ada.push_back(e.n);
        },
        tidings::async.ordered_by(&order::customer));
    for (int n = 1; n != 4; ++n) bus.publish(order{0, n});
    for (int key = 1; key != 51; ++key) bus.publish(order{key, 0});
    bus.drain();
    CHECK(ada == std::vector<int>{1, 2, 3});
    CHECK(others_before_first == 50);
}

// --- Guarantees ------------------------------------------------------------------------------------------------------

TEST_CASE("at most once tries once, and keeps nothing") {
    world w;
    w.broken = true;
    tidings::consumer c{w.bus, "c", {.dead_letters = w.dead, .guarantee = tidings::delivery_guarantee::at_most_once}};
    c.on(w.handler());
    w.bus.publish(order{});
    w.sim.advance(1h);
    CHECK(w.told.size() == 1);
    CHECK(w.dead.empty());
    CHECK(c.stats().given_up == 1);
}

TEST_CASE("effectively once leaves out an event whose id is known, for a while") {
    world w;
    tidings::consumer c{
        w.bus, "c", {.guarantee = tidings::delivery_guarantee::effectively_once, .duplicates = {.window = 1min}}};
    std::vector<int> second;
    c.on(w.handler()).on([&](const order& e) { second.push_back(e.n); });
    const auto publish = [&](int n) {
        w.bus.publish(order{0, n}, {.id = tidings::event_id{1, static_cast<std::uint64_t>(n)}});
        w.sim.run_until_idle();
    };
    publish(1);
    publish(1);
    publish(2);
    publish(1);
    CHECK(w.handled == std::vector<int>{1, 2});
    CHECK(second == std::vector<int>{1, 2});  // each handler has its own memory
    CHECK(c.stats().duplicates == 4);
    w.sim.advance(1min);
    publish(1);
    CHECK(w.handled == std::vector<int>{1, 2, 1});
}

TEST_CASE("a duplicate does not take the place of an event that is tried again, nor of a dead one") {
    world w;
    w.broken = true;
    tidings::consumer c{w.bus,
                        "c",
                        {.retry = {.max_attempts = 2},
                         .dead_letters = w.dead,
                         .guarantee = tidings::delivery_guarantee::effectively_once}};
    c.on(w.handler(), tidings::async.concurrency(2));
    const tidings::publish_options same{.id = tidings::event_id{1, 1}};
    w.bus.publish(order{0, 1}, same);
    w.sim.run_until_idle();  // it waits to be tried again
    w.bus.publish(order{0, 1}, same);
    w.sim.advance(1min);
    CHECK(w.dead.size() == 1);
    w.bus.publish(order{0, 1}, same);
    w.sim.run_until_idle();
    CHECK(c.stats().duplicates == 2);
    w.broken = false;
    CHECK(w.dead.redrive_all() == 1);  // no duplicate of itself
    w.sim.run_until_idle();
    CHECK(w.handled == std::vector<int>{1});
}

TEST_CASE("what nobody kept may come again") {
    world w;
    w.broken = true;
    tidings::consumer c{
        w.bus, "c", {.retry = {.max_attempts = 1}, .guarantee = tidings::delivery_guarantee::effectively_once}};
    c.on(w.handler());
    const tidings::publish_options same{.id = tidings::event_id{1, 1}};
    w.bus.publish(order{0, 1}, same);
    w.sim.run_until_idle();
    w.broken = false;
    w.bus.publish(order{0, 1}, same);
    w.sim.run_until_idle();
    CHECK(w.handled == std::vector<int>{1});
}

// --- Breaker, rate, places, time -------------------------------------------------------------------------------------

TEST_CASE("a breaker spends no attempts on what is broken for all, and looks whether it works again") {
    for (std::uint64_t seed = 0; seed != 30; ++seed) {
        world w{seed};
        w.broken = true;
        tidings::consumer c{w.bus,
                            "c",
                            {.retry = {.max_attempts = 3, .backoff = tidings::fixed(1s), .jitter = 0},
                             .dead_letters = w.dead,
                             .circuit_breaker = tidings::circuit_breaker_options{.failures = 2, .open_for = 1min}}};
        c.on(w.handler(), tidings::async.ordered_by(&order::n).concurrency(3));
        for (int n = 0; n != 20; ++n) w.bus.publish(order{n, n});
        w.sim.run_until_idle();
        CHECK(c.breaker() == breaker_state::open);
        CHECK(w.told.size() >= 2);  // with those that were under way when it opened
        CHECK(w.told.size() <= 4);
        const std::size_t before = w.told.size();
        w.sim.advance(59s);
        CHECK(w.told.size() == before);
        w.sim.advance(2s);  // one probe, which fails
        CHECK(w.told.size() == before + 1);
        CHECK(c.breaker() == breaker_state::open);
        w.broken = false;
        w.sim.advance(2min);
        CHECK(c.breaker() == breaker_state::closed);
        CHECK(w.handled.size() == 20);
        CHECK(w.dead.empty());
        CHECK(c.stats().breaker_openings == 2);
    }
}

TEST_CASE("permanent failures do not open a breaker") {
    world w;
    tidings::consumer c{
        w.bus, "c", {.dead_letters = w.dead, .circuit_breaker = tidings::circuit_breaker_options{.failures = 2}}};
    c.on([](const order&) { throw tidings::permanent_failure{"its own"}; });
    for (int n = 0; n != 5; ++n) w.bus.publish(order{0, n});
    w.sim.run_until_idle();
    CHECK(c.breaker() == breaker_state::closed);
    CHECK(w.dead.size() == 5);
}

TEST_CASE("a rate limit spaces all handlers of a consumer") {
    world w;
    std::vector<std::chrono::steady_clock::time_point> times;
    tidings::consumer c{w.bus, "c", {.rate_limit = tidings::rate_limit{.events = 10, .per = 1s}}};
    c.on([&](const order&) { times.push_back(w.now()); }).on([&](const refund&) { times.push_back(w.now()); });
    for (int n = 0; n != 15; ++n) {
        w.bus.publish(order{0, n});
        w.bus.publish(refund{n});
    }
    w.sim.run_until_idle();
    CHECK(times.size() == 1);
    w.sim.advance(1min);
    REQUIRE(times.size() == 30);
    for (std::size_t n = 1; n != 30; ++n) CHECK(times[n] - times[n - 1] == 100ms);
    CHECK(c.stats().retried == 0);
}

TEST_CASE("no more handlers of a consumer run than it has places") {
    for (std::uint64_t seed = 0; seed != 50; ++seed) {
        world w{seed};
        int running = 0;
        int most = 0;
        int done = 0;
        tidings::consumer c{w.bus, "c", {.concurrency = 2}};
        const auto work = [&](const auto&) {
            most = std::max(most, ++running);
            w.sim.yield();
            w.sim.yield();
            --running;
            ++done;
        };
        c.on<order>(work, tidings::async.concurrency(4)).on<refund>(work, tidings::async.concurrency(4));
        for (int n = 0; n != 10; ++n) {
            w.bus.publish(order{0, n});
            w.bus.publish(refund{n});
        }
        w.sim.run_until_idle();
        CHECK(most == 2);
        CHECK(done == 20);
    }
}

TEST_CASE("a handler is asked to stop when its time is over, and told of if it took longer") {
    world w;
    bool asked_early = true;
    bool asked = false;
    auto answers = w.bus.mailbox<refund>();
    tidings::consumer c{w.bus, "c", {.time_limit = 5s}};
    c.on([&](const order& e, const tidings::context& context) {
        const std::stop_token stop = context.stop_token();
        if (e.n == 0) return;
        asked_early = stop.stop_requested();
        static_cast<void>(answers.receive_for(6s));  // none comes
        asked = stop.stop_requested();
    });
    w.bus.publish(order{0, 0});
    w.sim.advance(1min);
    CHECK(c.stats().overran == 0);
    w.bus.publish(order{0, 1});
    w.sim.advance(1min);
    CHECK_FALSE(asked_early);
    CHECK(asked);
    CHECK(c.stats().overran == 1);
    CHECK(c.stats().events.delivered == 2);
    CHECK(w.told == std::vector<std::string>{"it took longer than its time limit"});
}

TEST_CASE("on threads, too") {
    tidings::thread_pool pool{1};
    std::atomic<int> told{0};
    tidings::bus bus{{.executor = pool, .on_error = [&](const tidings::handler_error&) { ++told; }}};
    tidings::consumer c{bus, "c", {.time_limit = 1ms}};
    c.on([&](const order&, const tidings::context& context) {
        const std::stop_token stop = context.stop_token();
        while (!stop.stop_requested()) std::this_thread::yield();
    });
    bus.publish(order{});
    bus.drain();
    CHECK(told == 1);
}

TEST_CASE("without a time limit nobody is asked to stop") {
    world w;
    tidings::consumer c{w.bus, "c"};
    c.on([&](const order&, const tidings::context& context) {
        CHECK_FALSE(context.stop_token().stop_possible());
        CHECK(context.attempt() == 1);
    });
    w.bus.publish(order{});
    w.sim.run_until_idle();
}

// --- The end ---------------------------------------------------------------------------------------------------------

TEST_CASE("a consumer may end while events wait to be tried again, and inside its own handler") {
    world w;
    w.broken = true;
    std::optional<tidings::consumer> c;
    c.emplace(w.bus, "c", tidings::consumer_options{.dead_letters = w.dead});
    c->on(w.handler(), tidings::async.ordered_by(&order::n));
    for (int n = 0; n != 5; ++n) w.bus.publish(order{0, n});
    w.sim.run_until_idle();
    c.reset();
    w.sim.advance(1h);
    CHECK(w.told.size() == 5);

    c.emplace(w.bus, "c");
    const auto captured = std::make_shared<int>(1);
    c->on([&, captured](const order&) {
        c.reset();
        throw std::runtime_error{"after its end"};
    });
    w.bus.publish(order{});
    w.sim.advance(1h);
    CHECK(captured.use_count() == 1);
}

TEST_CASE("a bus may end before its consumers") {
    tidings::dead_letters dead;
    const auto options = tidings::consumer_options{.retry = {.backoff = tidings::fixed(1h)}, .dead_letters = dead};
    tidings::thread_pool pool{1};
    std::optional<tidings::bus> bus{std::in_place, tidings::bus_options{.executor = pool, .on_error = [](auto&) {}}};
    tidings::consumer c{*bus, "c", options};
    std::atomic<bool> called{false};
    c.on([&](const order&) {
        called = true;
        called.notify_all();
        throw std::runtime_error{"no"};
    });
    bus->publish(order{});
    called.wait(false);
    bus.reset();
    CHECK(c.stats().events.discarded == 1);
    CHECK(c.stats().events.queued == 0);
    c.reset();
}
