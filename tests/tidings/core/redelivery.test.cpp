#include "support/captures.hpp"
#include "support/catch.hpp"

#include <tidings/core/bus.hpp>
#include <tidings/core/bus_services.hpp>
#include <tidings/core/redelivery.hpp>
#include <tidings/executor/manual_executor.hpp>
#include <tidings/executor/thread_pool.hpp>
#include <tidings/testing/simulation.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using tidings::delivery_attempt;
using tidings::settlement;

namespace {

struct note {
    int key;
    int n;
};

struct desk {
    explicit desk(std::uint64_t seed = 1) : sim{seed} {}

    tidings::testing::simulation sim;
    int told = 0;
    tidings::bus bus{{.executor = sim.executor(),
                      .clock = sim.clock(),
                      .on_error = [this](const tidings::handler_error&) { ++told; }}};
    tidings::bus_services services{bus};
    std::vector<int> handled;
    std::vector<unsigned> attempts;
    tidings::subscription_stats ended;

    template <class D>
    tidings::redelivering_subscription subscribe(const D& how, unsigned times_to_fail, int only = -1) {
        return tidings::redelivering_queue{bus, how}.template subscribe<note>(
            bus, "desk", [this](const note& e) { handled.push_back(e.n); },
            [this, times_to_fail, only](delivery_attempt& delivery, auto call) {
                attempts.push_back(delivery.number());
                const int n = delivery.keep().template get_if<note>()->n;
                if (delivery.number() <= times_to_fail && (only == -1 || only == n))
                    return delivery.again_at(services.now() + 200ms);
                call();
                return settlement::done;
            },
            how);
    }
};

}  // namespace

TEST_CASE("an event that comes again keeps its place, at every batch size") {
    for (const std::size_t prefetch : {1U, 2U, 3U, 128U}) {
        for (int failing = 0; failing != 5; ++failing) {
            desk d;
            tidings::queue_settings settings;
            settings.prefetch = prefetch;
            const auto how = tidings::async_delivery<>{settings, {}, {}, {}};
            const auto subscription = d.subscribe(how, 2, failing);
            for (int n = 0; n != 5; ++n) d.bus.publish(note{0, n});
            d.sim.run_until_idle();
            CHECK(d.handled.size() == static_cast<std::size_t>(failing));  // those behind it wait
            CHECK(subscription.stats().queued == static_cast<std::uint64_t>(5 - failing));
            d.sim.advance(199ms);
            CHECK(d.handled.size() == static_cast<std::size_t>(failing));
            d.sim.advance(201ms);
            CHECK(d.handled == std::vector<int>{0, 1, 2, 3, 4});
            CHECK(subscription.stats().delivered == 5);
            CHECK(subscription.stats().failed == 0);
            CHECK(subscription.stats().queued == 0);
        }
    }
}

TEST_CASE("what waits to come again holds up its own key alone, and no worker") {
    for (std::uint64_t seed = 0; seed != 50; ++seed) {
        desk d{seed};
        const auto subscription = d.subscribe(tidings::async.ordered_by(&note::key).concurrency(2), 2, 0);
        for (int n = 0; n != 3; ++n) d.bus.publish(note{0, n});  // n = 0 fails twice
        for (int key = 1; key != 51; ++key) d.bus.publish(note{key, 100 + key});
        d.sim.run_until_idle();
        CHECK(d.handled.size() == 50);
        d.sim.advance(1s);
        REQUIRE(d.handled.size() == 53);
        CHECK(std::vector<int>(d.handled.end() - 3, d.handled.end()) == std::vector<int>{0, 1, 2});
    }
}

TEST_CASE("with concurrency and no key, it holds up nobody") {
    desk d;
    const auto subscription = d.subscribe(tidings::async.concurrency(2), 3, 0);
    for (int n = 0; n != 5; ++n) d.bus.publish(note{0, n});
    d.sim.run_until_idle();
    CHECK(d.handled.size() == 4);
    d.sim.advance(1s);
    CHECK(d.handled.back() == 0);
    CHECK(d.handled.size() == 5);
}

TEST_CASE("attempts are counted from 1, of the event that comes again alone") {
    desk d;
    const auto subscription = d.subscribe(tidings::async, 2, 1);
    for (int n = 0; n != 3; ++n) d.bus.publish(note{0, n});
    d.sim.advance(1s);
    CHECK(d.attempts == std::vector<unsigned>{1, 1, 2, 3, 1});
}

TEST_CASE("the handler is told the attempt by its context") {
    desk d;
    std::vector<int> seen;
    const tidings::redelivering_queue queue{d.bus, tidings::async};
    const auto subscription = queue.subscribe<note>(
        d.bus, "", [&](const note&, const tidings::context& c) { seen.push_back(c.attempt()); },
        [&](delivery_attempt& delivery, auto call) {
            call();
            return delivery.number() < 3 ? delivery.again_at(d.services.now()) : settlement::done;
        },
        tidings::async);
    d.bus.publish(note{});
    d.sim.advance(1s);
    CHECK(seen == std::vector<int>{1, 2, 3});
}

TEST_CASE("at once, where the time is the least there is") {
    desk d;
    int calls = 0;
    const tidings::redelivering_queue queue{d.bus, tidings::async};
    const auto subscription = queue.subscribe<note>(
        d.bus, "", [](const note&) {},
        [&](delivery_attempt& delivery, auto) {
            return ++calls < 4 ? delivery.again_at(delivery_attempt::time_point::min()) : settlement::failed;
        },
        tidings::async);
    d.bus.publish(note{});
    d.sim.run_until_idle();
    CHECK(calls == 4);
    CHECK(subscription.stats().failed == 1);
}

TEST_CASE("what comes again counts with those that wait") {
    desk d;
    const auto how = tidings::async.capacity(3).when_full(tidings::overflow::reject);
    const auto subscription = d.subscribe(how, 1, 0);
    d.bus.publish(note{0, 0});
    d.sim.run_until_idle();  // it waits to come again
    CHECK(d.bus.publish(note{0, 1}).queued == 1);
    CHECK(d.bus.publish(note{0, 2}).queued == 1);
    CHECK(d.bus.publish(note{0, 3}).rejected == 1);
    d.sim.advance(1s);
    CHECK(d.handled == std::vector<int>{0, 1, 2});
}

TEST_CASE("what comes again may be dropped as the oldest, and those behind it go on at once") {
    for (const bool by_key : {false, true}) {
        desk d;
        const auto how = tidings::async.capacity(2).when_full(tidings::overflow::drop_oldest);
        const auto subscription =
            by_key ? d.subscribe(how.ordered_by(&note::key).concurrency(1), 1, 0) : d.subscribe(how, 1, 0);
        d.bus.publish(note{0, 0});
        d.sim.run_until_idle();
        for (int n = 1; n != 3; ++n) d.bus.publish(note{n, n});
        d.sim.run_until_idle();
        CHECK(d.handled == std::vector<int>{1, 2});
        CHECK(subscription.stats().dropped == 1);
        d.sim.advance(1s);  // nothing is left of the rest
        d.bus.publish(note{0, 9});
        d.sim.run_until_idle();
        CHECK(d.handled.back() == 9);
    }
}

TEST_CASE("reset() discards what waits to come again, and takes the alarm back") {
    desk d;
    auto subscription = d.subscribe(tidings::async.ordered_by(&note::key), 100);
    for (int n = 0; n != 4; ++n) d.bus.publish(note{n, n});
    d.sim.run_until_idle();
    CHECK(subscription.stats().queued == 4);
    subscription.reset();
    CHECK(subscription.stats().discarded == 4);
    CHECK(subscription.stats().queued == 0);
    d.attempts.clear();
    d.sim.advance(1min);
    CHECK(d.attempts.empty());
}

TEST_CASE("drain() waits for what comes again, and close() lets it come") {
    tidings::thread_pool pool{2};
    tidings::bus bus{{.executor = pool}};
    const tidings::bus_services services{bus};
    std::atomic<int> calls{0};
    const auto how = tidings::async.ordered_by(&note::key);
    const tidings::redelivering_queue queue{bus, how};
    const auto subscription = queue.subscribe<note>(
        bus, "", [](const note&) {},
        [&](delivery_attempt& delivery, auto) {
            ++calls;
            return delivery.number() < 3 ? delivery.again_at(services.now() + 1ms) : settlement::done;
        },
        how);
    for (int n = 0; n != 10; ++n) bus.publish(note{n % 3, n});
    bus.close();
    bus.drain();
    CHECK(calls == 30);
    CHECK(subscription.stats().delivered == 10);
}

TEST_CASE("drain() ends when what waited to come again is discarded") {
    tidings::thread_pool pool{1};
    tidings::bus bus{{.executor = pool}};
    const tidings::bus_services services{bus};
    std::atomic<bool> asked{false};
    const tidings::redelivering_queue queue{bus, tidings::async};
    auto subscription = queue.subscribe<note>(
        bus, "", [](const note&) {},
        [&](delivery_attempt& delivery, auto) {
            asked = true;
            asked.notify_all();
            return delivery.again_at(services.now() + 24h);
        },
        tidings::async);
    bus.publish(note{});
    tidings::thread_pool other{1};
    asked.wait(false);
    CHECK_FALSE(bus.drain_for(1ms));
    tidings::bus commands{{.executor = other}};
    const auto reset = commands.subscribe<int>([&](int) { subscription.reset(); }, tidings::async);
    commands.publish(1);
    bus.drain();
    CHECK(subscription.stats().discarded == 1);
}

TEST_CASE("a bus, and an executor, may end while events wait to come again") {
    const auto handler = [](const note&) {};
    std::optional<tidings::thread_pool> pool{std::in_place, 1U};
    std::optional<tidings::bus> bus{std::in_place, tidings::bus_options{.executor = *pool}};
    const tidings::bus_services services{*bus};
    std::atomic<int> calls{0};
    const auto around = [&](delivery_attempt& delivery, auto) {
        ++calls;
        calls.notify_all();
        return delivery.again_at(services.now() + (delivery.number() == 1 ? 5ms : 24h));
    };
    const auto how = tidings::async.ordered_by(&note::key);
    tidings::redelivering_queue queue{*bus, how};
    auto subscription = queue.subscribe<note>(*bus, "", handler, around, how);
    bus->publish(note{});
    calls.wait(0);
    pool.reset();
    while (subscription.stats().discarded == 0 && calls == 1) {  // the alarm finds the executor gone
    }
    bus.reset();
    CHECK(subscription.stats().discarded == 1);
    CHECK_FALSE(subscription.active());
}

// --- Resting ---------------------------------------------------------------------------------------------------------

TEST_CASE("a queue that rests hands out nothing, counts no attempt, and goes on by itself or when it is told") {
    for (const bool told : {false, true}) {
        for (const unsigned width : {1U, 3U}) {
            desk d;
            bool open = false;
            const auto how = tidings::async.concurrency(width);
            const tidings::redelivering_queue queue{d.bus, how};
            const auto subscription = queue.subscribe<note>(
                d.bus, "", [&](const note& e) { d.handled.push_back(e.n); },
                [&](delivery_attempt& delivery, auto call) {
                    d.attempts.push_back(delivery.number());
                    if (!open)
                        return delivery.not_before(told ? delivery_attempt::time_point::max() : d.services.now() + 10s);
                    call();
                    return settlement::done;
                },
                how);
            for (int n = 0; n != 4; ++n) d.bus.publish(note{n, n});
            d.sim.run_until_idle();
            const std::size_t asked = d.attempts.size();
            CHECK(asked <= width);
            d.bus.publish(note{4, 4});  // does not wake it
            d.sim.run_until_idle();
            CHECK(d.attempts.size() == asked);
            open = true;
            if (told) queue.resume();
            else d.sim.advance(10s);
            d.sim.run_until_idle();
            CHECK(d.handled.size() == 5);
            CHECK(d.attempts == std::vector<unsigned>(asked + 5, 1));
            if (width == 1) CHECK(d.handled == std::vector<int>{0, 1, 2, 3, 4});
        }
    }
}

TEST_CASE("a queue that is told to go on before it rests does not rest") {
    desk d;
    bool refused = false;
    const tidings::redelivering_queue queue{d.bus, tidings::async};
    const auto subscription = queue.subscribe<note>(
        d.bus, "", [&](const note& e) { d.handled.push_back(e.n); },
        [&](delivery_attempt& delivery, auto call) {
            if (!std::exchange(refused, true)) {
                queue.resume();  // what it waits for happens between the question and the rest
                return delivery.not_before(delivery_attempt::time_point::max());
            }
            call();
            return settlement::done;
        },
        tidings::async);
    d.bus.publish(note{0, 3});
    d.sim.run_until_idle();
    CHECK(d.handled == std::vector<int>{3});
}

TEST_CASE("a queue that rested goes on for others, when what it rested for is discarded with its subscription") {
    for (const bool rests_whole : {false, true}) {
        desk d;
        const tidings::redelivering_queue queue{d.bus, tidings::async};
        auto first = queue.subscribe<int>(
            d.bus, "", [](int) {},
            [&](delivery_attempt& delivery, auto) {
                const auto due = d.services.now() + 10s;
                return rests_whole ? delivery.not_before(due) : delivery.again_at(due);
            },
            tidings::async);
        const auto second = queue.subscribe<note>(
            d.bus, "", [&](const note& e) { d.handled.push_back(e.n); },
            [](delivery_attempt&, auto call) {
                call();
                return settlement::done;
            },
            tidings::async);
        d.bus.publish(1);
        if (!rests_whole) d.bus.publish(note{0, 2});  // stands behind it
        d.sim.run_until_idle();
        first.reset();
        if (rests_whole) d.bus.publish(note{0, 2});
        d.sim.run_until_idle();
        CHECK(d.handled == std::vector<int>{2});
        CHECK(second.stats().queued == 0);
        d.bus.drain();
    }
}

TEST_CASE("what comes to a queue that rested when its executor ended is discarded") {
    std::optional<tidings::manual_executor> loop{std::in_place};
    tidings::bus bus{{.executor = *loop}};
    const auto how = tidings::async.concurrency(2);
    const tidings::redelivering_queue queue{bus, how};
    const auto subscription = queue.subscribe<note>(
        bus, "", [](const note&) {},
        [&](delivery_attempt& delivery, auto) { return delivery.not_before(delivery_attempt::time_point::max()); },
        how);
    bus.publish(note{0, 1});
    bus.publish(note{0, 2});
    loop->run_one();  // one of the two who come for them
    loop.reset();
    CHECK(subscription.stats().discarded == 2);
    bus.publish(note{0, 3});
    CHECK(subscription.stats().discarded == 3);
    CHECK(subscription.stats().queued == 0);
}

// --- Delivering to one
// ------------------------------------------------------------------------------------------------

TEST_CASE("an event can be given to one subscriber once more, with its identity") {
    desk d;
    std::vector<tidings::kept_event> kept;
    std::vector<tidings::event_id> ids;
    std::vector<int> attempts;
    const tidings::redelivering_queue queue{d.bus, tidings::async};
    auto subscription = queue.subscribe<note>(
        d.bus, "",
        [&](const note&, const tidings::context& c) {
            ids.push_back(c.id());
            attempts.push_back(c.attempt());
        },
        [&](delivery_attempt& delivery, auto call) {
            call();
            kept.push_back(delivery.keep());
            return settlement::failed;
        },
        tidings::async);
    int others = 0;
    const auto other = d.bus.subscribe([&](const note&) { ++others; });
    d.bus.publish(note{1, 1});
    d.sim.run_until_idle();
    CHECK(subscription.deliver(kept.front(), 0));
    d.sim.run_until_idle();
    CHECK(others == 1);
    REQUIRE(ids.size() == 2);
    CHECK(ids[0] == ids[1]);
    CHECK(attempts == std::vector<int>{1, 1});
    CHECK(subscription.stats().failed == 2);
    CHECK(subscription.stats().accepted() == 2);

    CHECK_FALSE(subscription.deliver(tidings::kept_event{}, 0));
    subscription.reset();
    CHECK_FALSE(subscription.deliver(kept.front(), 0));
}

TEST_CASE("an event is not given to a handler of another type, nor to a closed or full queue") {
    desk d;
    std::vector<tidings::kept_event> kept;
    const auto around = [&](delivery_attempt& delivery, auto) {
        kept.push_back(delivery.keep());
        return settlement::done;
    };
    const auto how = tidings::async.capacity(1).when_full(tidings::overflow::reject);
    const tidings::redelivering_queue queue{d.bus, how};
    auto notes = queue.subscribe<note>(
        d.bus, "", [](const note&) {}, around, how);
    auto numbers = queue.subscribe<int>(
        d.bus, "", [](const int&) {}, around, how);
    d.bus.publish(note{});
    d.sim.run_until_idle();
    CHECK_FALSE(numbers.deliver(kept.front(), 0));
    CHECK(notes.deliver(kept.front(), 0));
    CHECK_FALSE(notes.deliver(kept.front(), 0));
    d.sim.run_until_idle();
    d.bus.close();
    CHECK_FALSE(notes.deliver(kept.front(), 0));
}

TEST_CASE("an event that is dropped when it is given once more was not delivered, and both are counted") {
    desk d;
    std::vector<tidings::kept_event> kept;
    const auto how = tidings::async.capacity(1).when_full(tidings::overflow::drop_newest);
    const tidings::redelivering_queue queue{d.bus, how};
    auto notes = queue.subscribe<note>(
        d.bus, "", [](const note&) {},
        [&](delivery_attempt& delivery, auto) {
            kept.push_back(delivery.keep());
            return settlement::done;
        },
        how);
    d.bus.publish(note{0, 1});
    d.sim.run_until_idle();
    d.bus.publish(note{0, 2});
    CHECK_FALSE(notes.deliver(kept.front(), 0));
    d.sim.run_until_idle();
    CHECK(kept.front().get_if<note>()->n == 1);
    CHECK(notes.stats().dropped == 1);
    CHECK(notes.stats().delivered == 2);
    CHECK(notes.deliver(kept.front(), 0));
}

// --- Faults
// -----------------------------------------------------------------------------------------------------------

namespace {

/// Of a simulation, and without memory for alarms for a while.
class poor_clock : public tidings::detail::clock_port {
public:
    explicit poor_clock(std::shared_ptr<clock_port> of) : of_{std::move(of)} {}

    using time_point = std::chrono::steady_clock::time_point;

    int refusals = 0;

    time_point now() const noexcept override { return of_->now(); }
    std::chrono::system_clock::time_point system_now() const noexcept override { return of_->system_now(); }
    void call_at(tidings::detail::alarm& a, time_point due) override {
        if (refusals > 0) {
            --refusals;
            throw std::bad_alloc{};
        }
        of_->call_at(a, due);
    }
    bool cancel(tidings::detail::alarm& a) noexcept override { return of_->cancel(a); }

private:
    const std::shared_ptr<clock_port> of_;
};

}  // namespace

TEST_CASE("without memory for an alarm, a worker asks for it until there is") {
    for (int refusals = 0; refusals != 5; ++refusals) {
        tidings::testing::simulation sim{3};
        const auto clock = std::make_shared<poor_clock>(sim.clock().port());
        tidings::bus bus{{.executor = sim.executor(), .clock = tidings::clock_ref{clock}}};
        const tidings::bus_services services{bus};
        int calls = 0;
        const auto how = tidings::async.ordered_by(&note::key);
        const tidings::redelivering_queue queue{bus, how};
        const auto subscription = queue.subscribe<note>(
            bus, "", [](const note&) {},
            [&](delivery_attempt& delivery, auto) {
                ++calls;
                return delivery.number() < 3 ? delivery.again_at(services.now() + 100ms) : settlement::done;
            },
            how);
        clock->refusals = refusals;
        for (int n = 0; n != 4; ++n) bus.publish(note{n, n});
        sim.run_until_idle();
        CHECK(clock->refusals == 0);
        CHECK(calls == 4);
        clock->refusals = refusals;
        sim.advance(1s);
        CHECK(calls == 12);
        CHECK(subscription.stats().delivered == 4);
    }
}

TEST_CASE("without memory for the alarm of a whole queue's rest, a worker comes back, too") {
    tidings::testing::simulation sim{3};
    const auto clock = std::make_shared<poor_clock>(sim.clock().port());
    tidings::bus bus{{.executor = sim.executor(), .clock = tidings::clock_ref{clock}}};
    const tidings::bus_services services{bus};
    int calls = 0;
    const auto how = tidings::async.ordered_by(&note::key).concurrency(1);
    const tidings::redelivering_queue queue{bus, how};
    const auto begin = services.now();
    const auto subscription = queue.subscribe<note>(
        bus, "", [](const note&) {},
        [&](delivery_attempt& delivery, auto) {
            ++calls;
            if (delivery.keep().get_if<note>()->n == 1 && delivery.number() == 1)
                return delivery.again_at(begin + 100ms);
            if (services.now() < begin + 200ms) return delivery.not_before(begin + 200ms);
            return settlement::done;
        },
        how);
    bus.publish(note{1, 1});
    sim.run_until_idle();
    bus.publish(note{2, 2});
    sim.run_until_idle();
    CHECK(calls == 2);
    clock->refusals = 1;  // when the first alarm has rung, and the second is to be set
    sim.advance(1s);
    CHECK(clock->refusals == 0);
    CHECK(subscription.stats().delivered == 2);
}

TEST_CASE("a handler that cannot be moved in leaves no queue behind") {
    struct stubborn {
        int* left;
        explicit stubborn(int& moves) : left{&moves} {}
        stubborn(const stubborn&) = default;
        stubborn(stubborn&& other)
            : left{other.left} {  // NOLINT(performance-noexcept-move-constructor): it is to throw
            if (--*left < 0) throw 7;
        }
        stubborn& operator=(const stubborn&) = delete;
        void operator()(const note&) const {}
    };
    int thrown = 0;
    for (int n = 0;; ++n) {
        std::weak_ptr<tidings::detail::executor_port> watch;
        bool throws = false;
        {
            const auto steps = std::make_shared<tidings::manual_executor>();
            tidings::bus bus;
            watch = tidings::executor_ref{*steps}.port();
            const auto how = tidings::async.on(*steps);
            try {
                int moves = n;
                const auto subscription = tidings::redelivering_queue{bus, how}.subscribe<note>(
                    bus, "", stubborn{moves}, [](delivery_attempt&, auto) { return settlement::done; }, how);
            } catch (int) {
                throws = true;
            }
        }
        CHECK(watch.expired());
        if (!throws) break;
        ++thrown;
    }
    CHECK(thrown > 1);
}

TEST_CASE("what stands before the handler may throw: the event has failed") {
    desk d;
    const tidings::redelivering_queue queue{d.bus, tidings::async};
    const auto subscription = queue.subscribe<note>(
        d.bus, "", [](const note&) {}, [](delivery_attempt&, auto) -> settlement { throw 7; }, tidings::async);
    d.bus.publish(note{});
    d.sim.run_until_idle();
    CHECK(subscription.stats().failed == 1);
    CHECK(d.told == 1);
}
