// The bus on simulated threads: publish, subscribe, unsubscribe and destroy under a hundred thousand schedules.
#include "simulation/explore_case.hpp"
#include "simulation/sync.hpp"

#include <tidings/tidings.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace {

using namespace tidings;
using simulation::require;
using simulation::scheduler;

struct tick {
    int n = 0;
};
struct tock {};

/// What a handler captured: says whether it lives, and that nobody runs it when it dies.
class capture {
public:
    explicit capture(base::atomic<int>& living) : living_{&living} { living_->fetch_add(1); }
    ~capture() {
        require(running_ == 0, "captures were destroyed under a running handler");
        living_->fetch_sub(1);
    }
    capture(const capture&) = delete;
    capture& operator=(const capture&) = delete;

    template <class Body>
    void run(Body body) {
        ++running_;
        body();
        --running_;
    }

private:
    base::atomic<int>* living_;
    int running_ = 0;
};

/// After reset() nothing of the handler runs and its captures are gone, for every caller of a concurrent reset().
void reset_is_a_barrier(scheduler& run) {
    bus bus;
    base::atomic<int> living{0};
    base::atomic<bool> over{false};
    auto owned = std::make_shared<capture>(living);
    subscription taken = bus.subscribe(
        [&, owned](const tick&) { owned->run([&] { require(!over.load(), "the handler ran after reset()"); }); });
    owned.reset();
    for (int p = 0; p < 2; ++p) {
        run.spawn("publisher", [&] {
            for (int n = 0; n < 2; ++n) bus.publish(tick{n});
        });
    }
    for (int r = 0; r < 2; ++r) {
        run.spawn("resetter", [&] {
            require(taken.reset() == reset_result::ended, "reset() did not wait");
            require(living.load() == 0, "the captures live after reset()");
            over.store(true);
        });
    }
    run.join_all();
    const subscription_stats stats = taken.stats();
    require(stats.delivered <= 4 && stats.failed == 0, "the count is off");
}

/// Subscriptions that come and go do not disturb one that stays: it gets everything, once, and is counted exactly.
void tables_are_replaced_under_publishers(scheduler& run) {
    bus bus;
    int early = 0;
    int calls = 0;
    int more_calls = 0;
    subscription joined_late;
    subscription leaves = bus.subscribe([&](const tick&) { ++early; }, tidings::sync.priority(1));
    subscription stays = bus.subscribe([&](const tick&) { ++calls; });
    run.spawn("publisher", [&] {
        for (int n = 0; n < 3; ++n) bus.publish(tick{n});
    });
    run.spawn("changer", [&] {
        subscription passing =
            bus.subscribe([](const tick&) {}, tidings::sync.priority(static_cast<int>(run.random(3)) - 1));
        leaves.reset();
        int late = 0;
        subscription more = bus.subscribe([&](const tick&) { ++late; });
        passing.reset();
        more.reset();
        more_calls = late;
        joined_late = std::move(more);
        const subscription another = bus.subscribe([](const tick&) {}, tidings::sync.priority(5));
    });
    run.join_all();
    require(calls == 3, "an event was lost or came twice");
    require(stays.stats().delivered == 3, "the stats of the one that stayed are off");
    require(joined_late.stats().delivered == static_cast<std::uint64_t>(more_calls), "a newcomer's stats are off");
    require(leaves.stats().delivered == static_cast<std::uint64_t>(early), "the stats of the one that left are off");
}

/// A handler that unsubscribes itself, while another thread runs it too, ends exactly once.
void a_handler_ends_itself(scheduler& run) {
    bus bus;
    base::atomic<int> living{0};
    int results_here = 0;
    subscription self;
    self = bus.subscribe([&, owned = std::make_shared<capture>(living)](const tick&) {
        owned->run([&] {});
        if (self.reset() == reset_result::running_here) ++results_here;
        require(living.load() == 1, "the captures died under the handler");
    });
    for (int p = 0; p < 2; ++p) run.spawn("publisher", [&] { bus.publish(tick{}); });
    run.join_all();
    require(living.load() == 0, "the captures outlive the last call");
    require(results_here >= 1, "the handler was not told that it runs");
}

/// Handlers that reset each other, in a ring of threads, all return; what was not waited for ends afterwards.
template <std::size_t size>
void handlers_reset_each_other(scheduler& run) {
    base::atomic<int> living{0};
    base::atomic<int> told{0};
    base::atomic<int> weakened{0};
    std::array<subscription, size> ring;
    {
        bus bus{{.on_error = [&](const handler_error&) { told.fetch_add(1); }}};
        for (std::size_t i = 0; i < size; ++i) {
            ring[i] = bus.subscribe([&, i, owned = std::make_shared<capture>(living)](const tick& e) {
                if (e.n != static_cast<int>(i)) return;
                if (ring[(i + 1) % size].reset() == reset_result::would_deadlock) weakened.fetch_add(1);
            });
        }
        for (std::size_t i = 0; i < size; ++i)
            run.spawn("publisher", [&, i] { bus.publish(tick{static_cast<int>(i)}); });
        run.join_all();
        require(told.load() == weakened.load(), "a weakened barrier was not told");
        require(weakened.load() < static_cast<int>(size), "nobody got the barrier");
    }
    require(living.load() == 0, "captures outlive their last call and their bus");
}

/// ~bus waits for handlers that run elsewhere, which may go on using the bus, and leaves nothing behind.
void a_bus_is_destroyed_while_a_handler_runs(scheduler& run) {
    auto bus = std::make_unique<tidings::bus>();
    base::atomic<int> living{0};
    base::atomic<bool> entered{false};
    base::atomic<bool> left{false};
    subscription survivor = bus->subscribe([&, &bus = *bus, owned = std::make_shared<capture>(living)](const tick&) {
        owned->run([&] {
            entered.store(true);
            bus.publish(tock{});
            const subscription late = bus.subscribe([](const tock&) {});
            bus.publish(tock{});
            left.store(true);
        });
    });
    subscription other = bus->subscribe([](const tock&) {});
    run.spawn("publisher", [&bus = *bus] { bus.publish(tick{}); });
    run.spawn("destroyer", [&] {
        while (!entered.load()) base::yield();
        bus.reset();
        require(left.load(), "~bus did not wait");
        require(living.load() == 0, "the captures outlive the bus");
    });
    run.spawn("resetter", [&] { other.reset(); });
    run.join_all();
    require(!survivor.active() && survivor.stats().delivered == 1, "the survivor's account is off");
}

/// A listener that dies on one thread while others publish to it: never called dead, ended once.
void a_weak_listener_expires(scheduler& run) {
    struct listener {
        int calls = 0;
        void on_tick(const tick&) { ++calls; }
    };
    bus bus;
    auto alive = std::make_shared<listener>();
    subscription taken = bus.subscribe(&listener::on_tick, std::weak_ptr{alive});
    base::atomic<std::uint32_t> handled{0};
    for (int p = 0; p < 2; ++p) {
        run.spawn("publisher", [&] {
            for (int n = 0; n < 2; ++n) handled.fetch_add(bus.publish(tick{n}).handled);
        });
    }
    run.spawn("owner", [&] {
        base::preemption_point();
        alive.reset();
    });
    run.join_all();
    bus.publish(tick{});
    require(!taken.active(), "an expired listener is still subscribed");
    require(taken.stats().delivered == handled.load() && taken.stats().failed == 0, "the count is off");
}

/// Captures whose destructor uses the bus, and another subscription's reset, are destroyed without a lock held.
void destructors_use_the_bus(scheduler& run) {
    bus bus;
    int tocks = 0;
    struct last_words {
        tidings::bus* to;
        tidings::subscription* other;
        ~last_words() {
            to->publish(tock{});
            other->reset();
        }
    };
    subscription hears = bus.subscribe([&](const tock&) { ++tocks; });
    subscription other = bus.subscribe([](const tick&) {});
    subscription taken =
        bus.subscribe([words = std::unique_ptr<last_words>{new last_words{&bus, &other}}](const tick&) {});
    run.spawn("publisher", [&] {
        for (int n = 0; n < 2; ++n) bus.publish(tick{n});
    });
    run.spawn("resetter", [&] { taken.reset(); });
    run.spawn("other resetter", [&] { other.reset(); });
    run.join_all();
    require(tocks == 1, "the destructor's event did not come once");
}

/// The n-th handler is of the n-th type, or all are of one.
template <std::size_t, class Body>
struct of_type : Body {
    using Body::operator();
};

/// Handlers of one type that stand next to each other are called in one loop, others one by one; both end safely.
template <bool differing>
void handlers_end_among_others(scheduler& run) {
    bus bus;
    base::atomic<int> living{0};
    std::array<base::atomic<bool>, 4> over{};
    std::array<int, 4> calls{};
    std::array<subscription, 4> taken;
    const auto subscribe = [&]<std::size_t H>() {
        const auto body = [&, h = H, owned = std::make_shared<capture>(living)](const tick&) {
            owned->run([&] {
                require(!over[h].load(), "the handler ran after reset()");
                ++calls[h];
            });
        };
        using one = of_type<(differing ? H : 0), std::function<void(const tick&)>>;
        taken[H] = bus.subscribe<tick>(one{body});
    };
    subscribe.template operator()<0>();
    subscribe.template operator()<1>();
    subscribe.template operator()<2>();
    subscribe.template operator()<3>();
    run.spawn("publisher", [&] {
        for (int n = 0; n < 3; ++n) bus.publish(tick{n});
    });
    for (int r = 0; r < 2; ++r) {
        run.spawn("resetter", [&] {
            const std::size_t first = run.random(taken.size());
            for (const std::size_t h : {first, (first + 1) % taken.size()}) {
                require(taken[h].reset() == reset_result::ended, "reset() did not wait");
                over[h].store(true);
            }
        });
    }
    run.join_all();
    int lives = 0;
    for (std::size_t h = 0; h < taken.size(); ++h) {
        if (taken[h].active()) {
            ++lives;
            require(calls[h] == 3, "an event was lost or came twice");
        }
        require(taken[h].stats().delivered == static_cast<std::uint64_t>(calls[h]), "the count is off");
    }
    require(living.load() == lives, "captures of an ended handler live");
}

constexpr std::uint64_t schedules = tidings::simulation::schedules_of(20'000);

}  // namespace

TEST_CASE("simulated: reset is a barrier for every caller") { EXPLORE(schedules, reset_is_a_barrier); }

TEST_CASE("simulated: tables are replaced under publishers and nothing is lost") {
    EXPLORE(schedules, tables_are_replaced_under_publishers);
}

TEST_CASE("simulated: a handler ends itself once, wherever it runs") { EXPLORE(schedules, a_handler_ends_itself); }

TEST_CASE("simulated: two handlers reset each other") { EXPLORE(schedules, handlers_reset_each_other<2>); }

TEST_CASE("simulated: three handlers reset each other") { EXPLORE(schedules, handlers_reset_each_other<3>); }

TEST_CASE("simulated: a bus is destroyed while a handler runs") {
    EXPLORE(schedules, a_bus_is_destroyed_while_a_handler_runs);
}

TEST_CASE("simulated: a weak listener expires between publishers") { EXPLORE(schedules, a_weak_listener_expires); }

TEST_CASE("simulated: handlers of one type end in the middle of their run") {
    EXPLORE(schedules, handlers_end_among_others<false>);
}

TEST_CASE("simulated: handlers of different types end among each other") {
    EXPLORE(schedules, handlers_end_among_others<true>);
}

TEST_CASE("simulated: destructors use the bus") { EXPLORE(schedules, destructors_use_the_bus); }
