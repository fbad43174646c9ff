// Queues, mailboxes and timers on simulated threads: order, bounds, accounts, and that everything ends.
#include "simulation/crew.hpp"
#include "simulation/explore_case.hpp"
#include "simulation/sync.hpp"

#include <tidings/tidings.hpp>

#include <array>
#include <chrono>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace tidings;
using namespace std::chrono_literals;
using simulation::crew;
using simulation::require;
using simulation::scheduler;

/// A pool whose workers take one event a task, in every other schedule: they post themselves again for the next one.
executor_ref maybe_in_steps(thread_pool& pool, scheduler& run) {
    class steps final : public detail::executor_port {
    public:
        explicit steps(std::shared_ptr<detail::executor_port> home) noexcept : home_{std::move(home)} {}
        void post(task work) noexcept override { home_->post(std::move(work)); }
        bool runs_here() const noexcept override { return home_->runs_here(); }
        unsigned width() const noexcept override { return home_->width(); }
        base::executor_mark mark() const noexcept override { return home_->mark(); }
        unsigned batch() const noexcept override { return 1; }

    private:
        const std::shared_ptr<detail::executor_port> home_;
    };
    return run.random(2) == 0 ? executor_ref{pool} : executor_ref{std::make_shared<steps>(pool.port())};
}

struct tick {
    std::size_t from = 0;
    int n = 0;  // from 1, without gaps
    int key = 0;
};
struct tock {
    int n = 0;
};
struct over {};

/// What a handler captured: says whether it lives, and that nobody runs it when it dies.
class capture {
public:
    explicit capture(base::atomic<int>& living) : living_{&living} { living_->fetch_add(1); }
    ~capture() {
        require(running_.load() == 0, "captures were destroyed under a running handler");
        living_->fetch_sub(1);
    }
    capture(const capture&) = delete;
    capture& operator=(const capture&) = delete;

    template <class Body>
    void run(Body body) {
        running_.fetch_add(1);
        body();
        running_.fetch_sub(1);
    }

private:
    base::atomic<int>* living_;
    base::atomic<int> running_{0};
};

/// An event that knows how many of it there are.
class counted {
public:
    explicit counted(base::atomic<int>& living) noexcept : living_{&living} { living_->fetch_add(1); }
    counted(const counted& other) noexcept : living_{other.living_} { living_->fetch_add(1); }
    counted& operator=(const counted&) = delete;
    ~counted() {
        require(simulation::this_thread().locks == 0, "an event is destroyed with a lock held");
        living_->fetch_sub(1);
    }

private:
    base::atomic<int>* living_;
};

/// One at a time, in each publisher's order; with gaps only where it is allowed.
class order {
public:
    void take(const tick& e, bool gaps = false) {
        require(!std::exchange(inside_, true), "two events at a time");
        int& last = last_[e.from];
        require(gaps ? e.n > last : e.n == last + 1, "lost, twice, or out of order");
        last = e.n;
        ++count_;
        base::preemption_point();
        inside_ = false;
    }
    int count() const noexcept { return count_; }
    int last(std::size_t from) const noexcept { return last_[from]; }

private:
    std::array<int, 4> last_{};
    int count_ = 0;
    bool inside_ = false;
};

void require_ended(const subscription_stats& s, std::uint64_t accepted, const char* file = __builtin_FILE(),
                   int line = __builtin_LINE()) {
    require(s.queued == 0, "something is still queued", file, line);
    require(s.accepted() == accepted, "the account does not add up", file, line);
}

// --- One queue -----------------------------------------------------------------------------------------------------

/// Two publishers; everything comes, once, one at a time, each publisher's in order.
void one_queue_keeps_order(scheduler& run) {
    crew threads{run};
    thread_pool pool{1U + static_cast<unsigned>(run.random(2))};
    bus bus{{.executor = maybe_in_steps(pool, run)}};
    order seen;
    subscription taken = bus.subscribe([&](const tick& e) { seen.take(e); }, async);
    for (std::size_t p = 0; p < 2; ++p) {
        threads.spawn("publisher", [&, p] {
            for (int n = 1; n <= 3; ++n) require(bus.publish(tick{p, n}).queued == 1, "not accepted");
            bus.drain();
            require(seen.last(p) == 3, "drain() returned early");
        });
    }
    threads.join();
    require(seen.count() == 6, "lost");
    require_ended(taken.stats(), 6);
    require(taken.stats().delivered == 6, "not delivered");
}

/// Publishers that wait for room all get it, and no more wait in the queue than may.
template <std::size_t capacity, unsigned concurrency>
void publishers_wait_for_room(scheduler& run) {
    crew threads{run};
    thread_pool pool{2};
    bus bus{{.executor = maybe_in_steps(pool, run)}};
    base::atomic<int> returned{0};
    base::atomic<int> started{0};
    base::atomic<int> inside{0};
    const auto check = [&] {
        const int r = returned.load();  // first: it only grows
        require(r - started.load() <= static_cast<int>(capacity + concurrency), "more wait than may");
    };
    subscription taken = bus.subscribe(
        [&](const tick&) {
            started.fetch_add(1);
            require(inside.fetch_add(1) < static_cast<int>(concurrency), "too many at a time");
            check();
            inside.fetch_sub(1);
        },
        async.capacity(capacity).concurrency(concurrency));
    for (std::size_t p = 0; p < 3; ++p) {
        threads.spawn("publisher", [&, p] {
            for (int n = 1; n <= 2; ++n) {
                require(bus.publish(tick{p, n}).queued == 1, "a publisher that waits is turned away");
                returned.fetch_add(1);
                check();
            }
        });
    }
    threads.join();
    bus.drain();
    require_ended(taken.stats(), 6);
    require(taken.stats().delivered == 6 && started.load() == 6, "lost");
    require(taken.stats().high_water <= capacity, "the queue was longer than it may be");
}

/// What a full queue of each policy does is counted, and what is accepted comes in order.
template <overflow policy, std::size_t capacity>
void full_queues_account(scheduler& run) {
    crew threads{run};
    thread_pool pool{1};
    bus bus{{.executor = pool}};
    order seen;
    base::atomic<std::uint64_t> accepted{0};
    base::atomic<std::uint64_t> rejected{0};
    subscription taken =
        bus.subscribe([&](const tick& e) { seen.take(e, true); }, async.capacity(capacity).when_full(policy));
    for (std::size_t p = 0; p < 2; ++p) {
        threads.spawn("publisher", [&, p] {
            for (int n = 1; n <= 3; ++n) {
                const publish_result result = bus.publish(tick{p, n});
                accepted.fetch_add(result.queued);
                rejected.fetch_add(result.rejected);
            }
        });
    }
    threads.join();
    bus.drain();
    const subscription_stats stats = taken.stats();
    require_ended(stats, accepted.load());
    require(stats.rejected == rejected.load() && accepted.load() + rejected.load() == 6, "rejections are off");
    require(stats.delivered == static_cast<std::uint64_t>(seen.count()), "deliveries are off");
    require(stats.delivered + stats.dropped == accepted.load(), "drops are off");
    require(policy == overflow::reject ? stats.dropped == 0 : stats.rejected == 0, "not what was asked for");
    require(stats.delivered >= 1 && stats.high_water <= capacity, "nothing was delivered, or too much waited");
    if (policy == overflow::drop_oldest) require(seen.last(0) == 3 || seen.last(1) == 3, "the newest was dropped");
}

/// What two threads run at the same time, over all schedules: it must happen, or there is nothing to prove.
struct overlap_seen {
    std::uint64_t times = 0;
};

/// Events of one key one after another, in order; nothing is left in a lane.
template <std::size_t capacity, overflow policy>
void lanes_keep_order(scheduler& run, overlap_seen& overlaps) {
    crew threads{run};
    thread_pool pool{2};
    bus bus{{.executor = maybe_in_steps(pool, run)}};
    std::array<order, 2> seen;
    base::atomic<int> inside{0};
    base::atomic<std::uint64_t> accepted{0};
    subscription taken = bus.subscribe(
        [&](const tick& e) {
            const int before = inside.fetch_add(1);
            require(before < 2, "more at a time than the concurrency");
            overlaps.times += before == 1 ? 1U : 0U;
            seen[static_cast<std::size_t>(e.key)].take(e, policy != overflow::block);
            inside.fetch_sub(1);
        },
        async.capacity(capacity).when_full(policy).ordered_by(&tick::key).concurrency(2));
    for (std::size_t p = 0; p < 2; ++p) {
        threads.spawn("publisher", [&, p] {
            for (int n = 1; n <= 2; ++n)
                for (int key = 0; key < 2; ++key) accepted.fetch_add(bus.publish(tick{p, n, key}).queued);
        });
    }
    threads.join();
    bus.drain();
    const subscription_stats stats = taken.stats();
    require_ended(stats, accepted.load());
    require(accepted.load() + stats.rejected == 8, "an event is in no account");
    require(stats.delivered == static_cast<std::uint64_t>(seen[0].count() + seen[1].count()), "deliveries are off");
    if (policy == overflow::block) require(stats.delivered == 8, "lost");
    require(stats.high_water <= capacity, "the queue was longer than it may be");
}

/// A lane that its worker leaves and an event that comes: it is not stranded, with one worker and with two.
template <unsigned concurrency>
void lanes_are_not_stranded(scheduler& run) {
    crew threads{run};
    thread_pool pool{2};
    bus bus{{.executor = maybe_in_steps(pool, run)}};
    base::mutex mutex;
    base::condition_variable changed;
    int handled = 0;
    subscription taken = bus.subscribe(
        [&](const tick&) {
            const std::lock_guard lock{mutex};
            ++handled;
            changed.notify_all();
        },
        async.ordered_by(&tick::key).concurrency(concurrency));
    for (std::size_t p = 0; p < 2; ++p) {
        threads.spawn("publisher", [&, p] {
            for (int n = 1; n <= 3; ++n) bus.publish(tick{p, n, n % 2});
        });
    }
    {
        std::unique_lock lock{mutex};  // not drain(), which would hide it
        changed.wait(lock, [&] { return handled == 6; });
    }
    threads.join();
}

/// Two at a time where it is asked for, and no more.
void concurrency_is_kept(scheduler& run, overlap_seen& overlaps) {
    crew threads{run};
    thread_pool pool{3};
    bus bus{{.executor = maybe_in_steps(pool, run)}};
    base::atomic<int> inside{0};
    base::atomic<int> handled{0};
    subscription taken = bus.subscribe(
        [&](const tick&) {
            const int before = inside.fetch_add(1);
            require(before < 2, "more at a time than the concurrency");
            overlaps.times += before == 1 ? 1U : 0U;
            handled.fetch_add(1);
            inside.fetch_sub(1);
        },
        async.concurrency(2));
    for (std::size_t p = 0; p < 2; ++p) {
        threads.spawn("publisher", [&, p] {
            for (int n = 1; n <= 3; ++n) bus.publish(tick{p, n});
        });
    }
    threads.join();
    bus.drain();
    require(handled.load() == 6, "lost");
    require_ended(taken.stats(), 6);
}

/// A subscriber that stands still until another has had all its events: of that one's queue nothing is held up.
template <overflow policy>
void a_slow_one_holds_up_nobody(scheduler& run) {
    base::mutex mutex;
    base::condition_variable changed;
    int quick_ones = 0;
    crew threads{run};
    thread_pool pool{2};
    bus bus{{.executor = maybe_in_steps(pool, run)}};
    subscription slow = bus.subscribe(
        [&](const tick&) {
            std::unique_lock lock{mutex};
            changed.wait(lock, [&] { return quick_ones == 4; });
        },
        async.capacity(1).when_full(policy));
    subscription quick = bus.subscribe(
        [&](const tick&) {
            const std::lock_guard lock{mutex};
            ++quick_ones;
            changed.notify_all();
        },
        async.capacity(1 + run.random(2)));
    for (std::size_t p = 0; p < 2; ++p) {
        threads.spawn("publisher", [&, p] {
            for (int n = 1; n <= 2; ++n) bus.publish(tick{p, n});
        });
    }
    threads.join();
    bus.drain();
    require(quick.stats().delivered == 4, "lost");
    require(slow.stats().accepted() + slow.stats().rejected == 4, "an event is in no account");
}

struct listener {
    using listens_to = events<tick, tock>;
    int ticks = 0;
    int tocks = 0;
    bool inside = false;
    void enter() {
        require(!std::exchange(inside, true), "two events at a time");
        base::preemption_point();
        inside = false;
    }
    void on(const tick& e) {
        enter();
        require(e.n == ++ticks && tocks == ticks - 1, "out of order");
    }
    void on(const tock& e) {
        enter();
        require(e.n == ++tocks && tocks == ticks, "out of order");
    }
};

/// A listener's events of two types stand in one queue.
void a_listener_has_one_queue(scheduler& run) {
    crew threads{run};
    thread_pool pool{2};
    bus bus{{.executor = maybe_in_steps(pool, run)}};
    listener object;
    subscriptions taken = listen(bus, object, async.capacity(1 + run.random(3)));
    threads.spawn("publisher", [&] {
        for (int n = 1; n <= 3; ++n) {
            bus.publish(tick{0, n});
            bus.publish(tock{n});
        }
    });
    threads.join();
    bus.drain();
    require(object.ticks == 3 && object.tocks == 3, "lost");
    require_ended(bus.stats(), 6);
}

// --- The end of a subscription -------------------------------------------------------------------------------------

/// reset() while publishers publish and wait, and a worker runs. `keyed` and `capacity` vary.
template <bool keyed>
void reset_is_a_barrier(scheduler& run) {
    crew threads{run};
    thread_pool pool{1};
    std::optional<bus> bus{std::in_place, bus_options{.executor = maybe_in_steps(pool, run)}};
    base::atomic<int> living{0};
    base::atomic<int> events{0};
    base::atomic<bool> over{false};
    base::atomic<std::uint64_t> accepted{0};
    base::atomic<std::uint64_t> rejected{0};
    base::atomic<std::uint64_t> handled{0};
    const auto delivery = async.capacity(1 + run.random(3)).concurrency(1);
    auto handler = [&, owned = std::make_shared<capture>(living)](const counted&) {
        owned->run([&] {
            require(!over.load(), "the handler runs after reset()");
            base::preemption_point();
            require(!over.load(), "reset() did not wait for the handler");
            handled.fetch_add(1);
        });
    };
    subscription taken;
    if constexpr (keyed)
        taken = bus->subscribe(std::move(handler), delivery.ordered_by([](const counted&) { return 1; }));
    else taken = bus->subscribe(std::move(handler), delivery);
    std::uint64_t published = 0;
    for (std::size_t p = 0; p < 2; ++p) {
        threads.spawn("publisher", [&] {
            for (int n = 1; n <= 3; ++n) {
                const publish_result result = bus->publish(counted{events});
                require(result.handled == 0 && result.failed == 0 && result.queued + result.rejected <= 1, "results");
                accepted.fetch_add(result.queued);
                rejected.fetch_add(result.rejected);
            }
        });
        published += 3;
    }
    for (std::size_t r = 0; r < 2; ++r) {
        threads.spawn("resetter", [&] {
            require(taken.reset() == reset_result::ended, "reset() did not wait");
            require(living.load() == 0, "the captures live after reset()");
            over.store(true);
        });
    }
    threads.join();
    bus->drain();
    const subscription_stats stats = taken.stats();
    require_ended(stats, accepted.load());
    require(stats.rejected == rejected.load() && accepted.load() + rejected.load() <= published, "rejections are off");
    require(stats.delivered == handled.load() && stats.failed == 0 && stats.dropped == 0, "deliveries are off");
    require(events.load() == 0, "an event outlives the drain()");
    require_ended(bus->stats(), accepted.load());
    taken = {};
    require_ended(bus->stats(), accepted.load());
}

/// A handler that ends its own subscription, with events behind it in the queue and taken with it.
void a_handler_ends_itself(scheduler& run) {
    crew threads{run};
    thread_pool pool{2};
    bus bus{{.executor = maybe_in_steps(pool, run)}};
    base::atomic<int> living{0};
    int calls = 0;
    subscription self;
    self = bus.subscribe(
        [&, owned = std::make_shared<capture>(living)](const tick&) {
            owned->run([&] {
                ++calls;
                require(self.reset() == reset_result::running_here, "the handler was not told that it runs");
            });
        },
        async.capacity(2));
    base::atomic<std::uint64_t> accepted{0};
    for (std::size_t p = 0; p < 2; ++p) {
        threads.spawn("publisher", [&, p] {
            for (int n = 1; n <= 2; ++n) accepted.fetch_add(bus.publish(tick{p, n}).queued);
        });
    }
    threads.join();
    bus.drain();
    require(calls == 1, "the handler was called again");
    require(living.load() == 0, "the captures outlive the last call");
    require_ended(self.stats(), accepted.load());
}

/// Workers of two pools reset each other's subscription.
void workers_reset_each_other(scheduler& run) {
    crew threads{run};
    base::atomic<int> living{0};
    base::atomic<int> told{0};
    base::atomic<int> weakened{0};
    {
        thread_pool pool{2};
        std::array<subscription, 2> both;
        bus bus{{.executor = pool, .on_error = [&](const handler_error&) { told.fetch_add(1); }}};
        for (std::size_t i = 0; i < 2; ++i) {
            both[i] = bus.subscribe(
                [&, i, owned = std::make_shared<capture>(living)](const tick& e) {
                    if (e.from == i && both[1 - i].reset() == reset_result::would_deadlock) weakened.fetch_add(1);
                },
                async.filter([i](const tick& e) { return e.from == i; }));
        }
        for (std::size_t i = 0; i < 2; ++i) threads.spawn("publisher", [&, i] { bus.publish(tick{i, 1}); });
        threads.join();
        bus.drain();
        require(told.load() == weakened.load() && weakened.load() < 2, "a weakened barrier was not told");
    }
    require(living.load() == 0, "captures outlive their last call and their bus");
}

// --- Everything ends -----------------------------------------------------------------------------------------------

/// The bus, the pool and the subscription go at the same time, on threads of their own, while a worker runs a handler
/// that publishes more.
void all_go_at_once(scheduler& run) {
    crew threads{run};
    base::atomic<int> living{0};
    base::atomic<int> events{0};
    auto pool = std::make_unique<thread_pool>(1U + static_cast<unsigned>(run.random(2)));
    auto bus = std::make_unique<tidings::bus>(bus_options{.executor = *pool, .on_error = [](const handler_error&) {}});
    base::atomic<bool> over{false};
    base::atomic<std::uint64_t> accepted{0};
    tidings::bus& used = *bus;
    subscription taken = bus->subscribe(
        [&, owned = std::make_shared<capture>(living)](const counted& e) {
            owned->run([&] {
                require(!over.load(), "a handler runs when all is over");
                accepted.fetch_add(used.publish(e).queued);
            });
        },
        async.capacity(1 + run.random(2)));
    for (int n = 0; n < 2; ++n) accepted.fetch_add(bus->publish(counted{events}).queued);
    threads.spawn("ends the bus", [&] { bus.reset(); });
    threads.spawn("ends the pool", [&] { pool.reset(); });
    threads.spawn("ends the subscription", [&] { taken.reset(); });
    threads.join();
    over.store(true);
    require(living.load() == 0, "captures outlive everything");
    require(events.load() == 0, "events outlive everything");
    require_ended(taken.stats(), accepted.load());
}

/// The same by handlers, in any order.
void handlers_end_all(scheduler& run) {
    base::atomic<int> living{0};
    const unsigned width = 1U + static_cast<unsigned>(run.random(2));
    auto pool = std::make_unique<thread_pool>(width);
    const executor_ref kept{*pool};
    auto bus = std::make_unique<tidings::bus>(bus_options{.executor = kept, .on_error = [](const handler_error&) {}});
    std::array<subscription, 2> taken;
    const std::array<std::uint64_t, 3> which{run.random(3), run.random(3), run.random(3)};
    std::size_t calls = 0;
    base::mutex mutex;
    bool bus_is_gone = false;
    bool pool_is_gone = false;
    const auto end_something = [&] {
        std::unique_lock lock{mutex};
        const std::uint64_t choice = which[calls++ % 3];
        std::unique_ptr<tidings::bus> ended_bus;
        std::unique_ptr<thread_pool> ended_pool;
        if (choice == 0 && !std::exchange(bus_is_gone, true)) ended_bus = std::move(bus);
        // Of two threads the other may wait for this one's handler, and ~thread_pool is in no graph of waits.
        if (choice == 1 && width == 1 && !std::exchange(pool_is_gone, true)) ended_pool = std::move(pool);
        lock.unlock();
        ended_bus.reset();
        ended_pool.reset();
        if (choice == 2) taken[0].reset();
    };
    for (auto& each : taken) {
        each = bus->subscribe(
            [&, owned = std::make_shared<capture>(living)](const tick&) { owned->run(end_something); }, async);
    }
    std::uint64_t accepted = 0;
    for (int n = 1; n <= 2; ++n) {
        const std::lock_guard lock{mutex};
        if (!bus_is_gone && !pool_is_gone) accepted += bus->publish(tick{0, n}).queued;
    }
    for (int n = 0; n < 4; ++n) base::preemption_point();
    std::unique_lock lock{mutex};
    auto last_bus = std::move(bus);
    auto last_pool = std::move(pool);
    lock.unlock();
    if (run.random(2) == 0) last_pool.reset();
    last_bus.reset();
    last_pool.reset();
    run.join_all();  // with the threads of a pool that its own task ended
    std::uint64_t ended = 0;
    for (auto& each : taken) {
        require(each.stats().queued == 0, "something is still queued");
        ended += each.stats().accepted();
        each = {};
    }
    require(ended == accepted, "the account does not add up");
    require(living.load() == 0, "captures outlive everything");
}

/// The executor goes, and with it what waits; publishers that wait for room come back, and later ones too.
template <bool keyed>
void the_pool_goes_first(scheduler& run) {
    crew threads{run};
    auto pool = std::make_unique<thread_pool>(1U);
    bus bus{{.executor = maybe_in_steps(*pool, run), .on_error = [](const handler_error&) {}}};
    base::atomic<int> handled{0};
    base::atomic<std::uint64_t> accepted{0};
    const auto handler = [&](const tick&) { handled.fetch_add(1); };
    subscription taken;
    if constexpr (keyed) taken = bus.subscribe(handler, async.capacity(1 + run.random(2)).ordered_by(&tick::key));
    else taken = bus.subscribe(handler, async.capacity(1 + run.random(2)));
    for (std::size_t p = 0; p < 2; ++p) {
        threads.spawn("publisher", [&, p] {
            for (int n = 1; n <= 3; ++n) accepted.fetch_add(bus.publish(tick{p, n, 0}).queued);
        });
    }
    threads.spawn("ends the pool", [&] { pool.reset(); });
    threads.join();
    accepted.fetch_add(bus.publish(tick{2, 1, 0}).queued);
    accepted.fetch_add(bus.publish(tick{2, 2, 0}).queued);
    bus.drain();
    const subscription_stats stats = taken.stats();
    require_ended(stats, accepted.load());
    require(stats.delivered == static_cast<std::uint64_t>(handled.load()), "deliveries are off");
    require(stats.discarded >= 2, "events that nobody will handle are not discarded");
}

/// close() turns away those who wait, and what was accepted is handled.
void close_stops_intake(scheduler& run) {
    crew threads{run};
    thread_pool pool{1};
    bus bus{{.executor = maybe_in_steps(pool, run)}};
    order seen;
    base::atomic<std::uint64_t> accepted{0};
    base::atomic<bool> closed{false};
    subscription taken = bus.subscribe([&](const tick& e) { seen.take(e, true); }, async.capacity(1 + run.random(2)));
    for (std::size_t p = 0; p < 2; ++p) {
        threads.spawn("publisher", [&, p] {
            for (int n = 1; n <= 3; ++n) {
                const bool late = closed.load();
                const publish_result result = bus.publish(tick{p, n});
                require(result.queued + result.rejected == 1, "neither accepted nor rejected");
                require(!late || result.rejected == 1, "accepted after close()");
                accepted.fetch_add(result.queued);
            }
        });
    }
    threads.spawn("closer", [&] {
        bus.close();
        closed.store(true);
    });
    threads.join();
    bus.drain();
    require_ended(taken.stats(), accepted.load());
    require(taken.stats().delivered == accepted.load(), "what was accepted is not handled");
}

// --- Drain ---------------------------------------------------------------------------------------------------------

/// A publishes to B, which publishes to A, up to a depth, on one pool or two, beside another publisher.
void drain_follows_cascades(scheduler& run) {
    crew threads{run};
    thread_pool pool{1};
    thread_pool other{1};
    bus bus{{.executor = maybe_in_steps(pool, run)}};
    constexpr int depth = 5;
    base::atomic<int> ticks{0};
    base::atomic<int> tocks{0};
    const auto second = run.random(2) == 0 ? async.on(pool) : async.on(other);
    subscription a = bus.subscribe(
        [&](const tick& e) {
            if (e.n < depth) bus.publish(tock{e.n + 1});
            ticks.fetch_add(1);
        },
        async);
    subscription b = bus.subscribe(
        [&](const tock& e) {
            if (e.n < depth) bus.publish(tick{0, e.n + 1});
            tocks.fetch_add(1);
        },
        second);
    // Those that go meanwhile take what they have accepted with them.
    std::array<subscription, 2> passing;
    for (auto& each : passing) each = bus.subscribe([](const counted&) {}, async);
    base::atomic<int> living{0};
    bus.publish(counted{living});
    bus.drain();
    threads.spawn("passers-by", [&] {
        for (auto& each : passing) each = {};
    });
    base::atomic<int> begun{0};
    threads.spawn("publisher", [&] {
        bus.publish(tick{0, 1});
        begun.store(1);
        bus.drain();
        require(ticks.load() >= 3 && tocks.load() >= 2, "drain() returned before the cascade ended");
    });
    threads.spawn("drainer", [&] {
        const bool after = begun.load() == 1;
        bus.drain();
        if (after) require(ticks.load() >= 3 && tocks.load() >= 2, "drain() returned before the cascade ended");
    });
    threads.join();
    require(ticks.load() == 3 && tocks.load() == 2, "lost");
    require_ended(bus.stats(), 7);
}

/// drain() beside those who publish, to queues and mailboxes, and subscribe: it ends when they do.
void drain_beside_publishers(scheduler& run) {
    crew threads{run};
    thread_pool pool{1};
    bus bus{{.executor = pool}};
    base::atomic<int> handled{0};
    auto box = bus.mailbox<tock>();
    subscription taken = bus.subscribe([&](const tick&) { handled.fetch_add(1); }, async);
    threads.spawn("publisher", [&] {
        for (int n = 1; n <= 2; ++n) bus.publish(tick{0, n});
    });
    threads.spawn("sender", [&] {
        for (int n = 1; n <= 2; ++n) bus.publish(tock{n});
    });
    threads.spawn("passer-by", [&] { const subscription passing = bus.subscribe([](const tick&) {}, async); });
    bus.drain();
    threads.join();
    bus.drain();
    require(handled.load() == 2, "lost");
}

/// The running handler of a subscription that was reset counts, too.
void drain_waits_for_the_reset(scheduler& run) {
    crew threads{run};
    thread_pool pool{2};
    bus bus{{.executor = maybe_in_steps(pool, run), .on_error = [](const handler_error&) {}}};
    bool ended = false;
    subscription first;
    first = bus.subscribe(
        [&](const tick&) {
            first = {};  // gone, while it runs
            base::preemption_point();
            bus.publish(tock{1});
        },
        async);
    subscription second = bus.subscribe([&](const tock&) { ended = true; }, async);
    bus.publish(tick{0, 1});
    if (run.random(2) == 0) threads.spawn("other drainer", [&] { bus.drain(); });
    bus.drain();
    require(ended, "drain() returned while a handler was running");
    threads.join();
}

void drain_gives_up_in_time(scheduler& run) {
    thread_pool pool{1};
    bus bus{{.executor = pool}};
    base::mutex mutex;
    base::condition_variable changed;
    bool go = false;
    subscription taken = bus.subscribe(
        [&](const tick&) {
            std::unique_lock lock{mutex};
            changed.wait(lock, [&] { return go; });
        },
        async);
    bus.publish(tick{0, 1});
    const auto before = run.now();
    require(!bus.drain_for(5ms), "drain_for() says that it is quiet");
    require(run.now() - before >= 5ms, "drain_for() came back early");
    {
        const std::lock_guard lock{mutex};
        go = true;
        changed.notify_all();
    }
    require(bus.drain_for(1h), "drain_for() says that it is not quiet");
    require(run.now() - before < 1h, "drain_for() came back late");
}

// --- The thread of a loop ------------------------------------------------------------------------------------------

/// The loop's own thread drains, and publishes to a full queue, while another publishes: it runs the loop.
void a_loop_drains_itself(scheduler& run) {
    crew threads{run};
    manual_executor loop;
    bus bus{{.executor = loop}};
    order seen;
    subscription taken = bus.subscribe([&](const tick& e) { seen.take(e); }, async.capacity(1 + run.random(2)));
    threads.spawn("publisher", [&] {
        for (int n = 1; n <= 2; ++n) require(bus.publish(tick{0, n}).queued == 1, "not accepted");
    });
    for (int n = 1; n <= 2; ++n) require(bus.publish(tick{1, n}).queued == 1, "the loop's own thread is turned away");
    while (bus.stats().accepted() < 4) {
        bus.drain();
        base::yield();
    }
    bus.drain();
    threads.join();
    require(seen.count() == 4, "lost");
    require_ended(taken.stats(), 4);
}

/// A handler on a pool and one on the loop of the thread that drains, which publish to each other.
void a_loop_and_a_pool(scheduler&) {
    thread_pool pool{1};
    manual_executor loop;
    bus bus{{.executor = pool}};
    int ticks = 0;
    int tocks = 0;
    subscription a = bus.subscribe(
        [&](const tick& e) {
            ++ticks;
            bus.publish(tock{e.n});
        },
        async);
    subscription b = bus.subscribe(
        [&](const tock& e) {
            ++tocks;
            if (e.n < 3) bus.publish(tick{0, e.n + 1});
        },
        async.on(loop));
    bus.publish(tick{0, 1});
    bus.drain();
    require(ticks == 3 && tocks == 3, "drain() returned early");
}

// --- Nobody waits for himself --------------------------------------------------------------------------------------

/// Two pools of one thread with full queues feed each other: somebody is rejected, nobody hangs.
void two_pools_feed_each_other(scheduler& run) {
    crew threads{run};
    thread_pool one{1};
    thread_pool two{1};
    base::atomic<std::uint64_t> told{0};
    bus bus{{.on_error = [&](const handler_error&) { told.fetch_add(1); }}};
    base::atomic<std::uint64_t> accepted{0};
    base::atomic<std::uint64_t> rejected{0};
    const auto count = [&](const publish_result& result) {
        accepted.fetch_add(result.queued);
        rejected.fetch_add(result.rejected);
    };
    subscription a = bus.subscribe(
        [&](const tick& e) {
            if (e.n > 2) return;
            count(bus.publish(tock{e.n + 1}));
            count(bus.publish(tock{e.n + 1}));
        },
        async.on(one).capacity(1));
    subscription b = bus.subscribe(
        [&](const tock& e) {
            if (e.n > 2) return;
            count(bus.publish(tick{0, e.n + 1}));
            count(bus.publish(tick{0, e.n + 1}));
        },
        async.on(two).capacity(1));
    threads.spawn("publisher", [&] { count(bus.publish(tick{0, 1})); });
    threads.spawn("publisher", [&] { count(bus.publish(tock{1})); });
    threads.join();
    bus.drain();
    require_ended(bus.stats(), accepted.load());
    require(bus.stats().rejected == rejected.load() && told.load() == rejected.load(), "a rejection was not told");
}

/// Two pools of one thread, each in a handler that waits for room in a queue of the other, whose own handlers run
/// nowhere: nobody is waited for by name.
void two_pools_wait_for_each_other(scheduler& run) {
    struct to_one {};
    struct to_two {};
    crew threads{run};
    thread_pool one{1};
    thread_pool two{1};
    bus bus{{.on_error = [](const handler_error&) {}}};
    base::atomic<std::uint64_t> accepted{0};
    const subscription fed_one = bus.subscribe([](const to_one&) {}, async.on(one).capacity(1));
    const subscription fed_two = bus.subscribe([](const to_two&) {}, async.on(two).capacity(1));
    const subscription a = bus.subscribe(
        [&](const tick&) {
            for (int n = 0; n < 3; ++n) accepted.fetch_add(bus.publish(to_two{}).queued);
        },
        async.on(one));
    const subscription b = bus.subscribe(
        [&](const tock&) {
            for (int n = 0; n < 3; ++n) accepted.fetch_add(bus.publish(to_one{}).queued);
        },
        async.on(two));
    threads.spawn("publisher", [&] { accepted.fetch_add(bus.publish(tick{}).queued); });
    accepted.fetch_add(bus.publish(tock{}).queued);
    threads.join();
    bus.drain();
    require_ended(bus.stats(), accepted.load());
}

/// A queue whose handler feeds it, on a pool of one, capacity 1.
void a_queue_feeds_itself(scheduler& run) {
    crew threads{run};
    thread_pool pool{1};
    base::atomic<std::uint64_t> told{0};
    bus bus{{.executor = maybe_in_steps(pool, run), .on_error = [&](const handler_error&) { told.fetch_add(1); }}};
    base::atomic<std::uint64_t> accepted{0};
    base::atomic<std::uint64_t> rejected{0};
    subscription taken = bus.subscribe(
        [&](const tick& e) {
            for (int n = e.n; n < 3; ++n) {
                const publish_result result = bus.publish(tick{0, n + 1});
                accepted.fetch_add(result.queued);
                rejected.fetch_add(result.rejected);
            }
        },
        async.capacity(1));
    threads.spawn("publisher", [&] { accepted.fetch_add(bus.publish(tick{0, 1}).queued); });
    threads.spawn("publisher", [&] { accepted.fetch_add(bus.publish(tick{0, 2}).queued); });
    threads.join();
    bus.drain();
    require_ended(taken.stats(), accepted.load());
    require(taken.stats().rejected == rejected.load() && told.load() == rejected.load(), "a rejection was not told");
}

/// A handler waits for room in a queue whose worker resets that handler's subscription.
void a_worker_resets_who_waits_for_it(scheduler& run) {
    crew threads{run};
    thread_pool pool{1};
    bus bus{{.executor = pool, .on_error = [](const handler_error&) {}}};
    subscription feeder;
    subscription fed = bus.subscribe([&](const tock&) { feeder.reset(); }, async.capacity(1));
    feeder = bus.subscribe([&](const tick&) {
        for (int n = 1; n <= 3; ++n) bus.publish(tock{n});
    });
    threads.spawn("publisher", [&] { bus.publish(tick{}); });
    threads.join();
    bus.drain();
    require(fed.stats().queued == 0, "something is still queued");
}

/// A handler on the only thread of an executor resets one that waits, on another thread, for room in a queue of it.
void a_worker_resets_who_waits_for_its_executor(scheduler& run) {
    crew threads{run};
    thread_pool pool{1};
    bus bus{{.executor = pool, .on_error = [](const handler_error&) {}}};
    subscription taken = bus.subscribe([](const tock&) {}, async.capacity(1));
    subscription feeder = bus.subscribe([&](const tick&) {
        for (int n = 1; n <= 3; ++n) bus.publish(tock{n});
    });
    const subscription resetter = bus.subscribe([&](const over&) { feeder.reset(); }, async);
    threads.spawn("publisher", [&] { bus.publish(tick{}); });
    threads.spawn("stopper", [&] { bus.publish(over{}); });
    threads.join();
    bus.drain();
    require(taken.stats().queued == 0, "something is still queued");
    require(feeder.reset() == reset_result::ended, "not ended");
}

/// A handler destroys a pool while a handler on it resets the first, or waits for room in a queue of its executor.
template <bool resets>
void a_handler_destroys_a_pool_that_waits_for_it(scheduler& run) {
    crew threads{run};
    thread_pool pool{1};
    auto doomed = std::make_unique<thread_pool>(1);
    bus bus{{.executor = pool, .on_error = [](const handler_error&) {}}};
    subscription destroyer = bus.subscribe([&](const over&) { doomed.reset(); }, async);
    const subscription taken = bus.subscribe([](const tock&) {}, async.capacity(1));
    const subscription waits = bus.subscribe(
        [&](const tick&) {
            if constexpr (resets) destroyer.reset();
            else
                for (int n = 1; n <= 3; ++n) bus.publish(tock{n});
        },
        async.on(*doomed));
    threads.spawn("publisher", [&] { bus.publish(tick{}); });
    threads.spawn("destroyer", [&] { bus.publish(over{}); });
    threads.join();
    bus.drain();
    require(taken.stats().queued == 0, "something is still queued");
}

// --- Mailboxes -----------------------------------------------------------------------------------------------------

/// Two receivers share a mailbox: each event comes out once, in order for each; both end when it is closed.
template <std::size_t capacity>
void two_receive(scheduler& run) {
    crew threads{run};
    bus bus;
    auto box = bus.mailbox<tick>({.capacity = capacity});
    int count = 0;
    for (std::size_t r = 0; r < 2; ++r) {
        threads.spawn("receiver", [&] {
            std::array<int, 2> mine{};
            for (const tick& e : box) {
                require(e.n > mine[e.from], "out of order");
                mine[e.from] = e.n;
                ++count;
            }
        });
    }
    base::atomic<int> left{2};
    for (std::size_t p = 0; p < 2; ++p) {
        threads.spawn("publisher", [&, p] {
            for (int n = 1; n <= 2; ++n) require(bus.publish(tick{p, n}).queued == 1, "not accepted");
            if (left.fetch_sub(1) == 1) box.close();
        });
    }
    threads.join();
    require(count == 4, "lost");
    require_ended(box.stats(), 4);
    require(box.stats().delivered == 4, "not counted");
}

/// Two wait, two events come, and each gets one.
void each_receives_one(scheduler& run) {
    crew threads{run};
    bus bus;
    auto box = bus.mailbox<tick>();
    for (int r = 0; r < 2; ++r)
        threads.spawn("receiver", [&] { require(static_cast<bool>(box.receive()), "nothing"); });
    threads.spawn("publisher", [&] {
        for (int n = 1; n <= 2; ++n) bus.publish(tick{0, n});
    });
    threads.join();
}

/// A receiver that gives up, one that does not, and two events.
void one_receives_for_a_while(scheduler& run) {
    crew threads{run};
    bus bus;
    auto box = bus.mailbox<tick>({.capacity = 1, .when_full = run.random(2) == 0 ? overflow::block : overflow::reject});
    base::atomic<int> got{0};
    threads.spawn("impatient", [&] {
        if (box.receive_for(1ms)) got.fetch_add(1);
        if (box.try_receive()) got.fetch_add(1);
    });
    threads.spawn("patient", [&] {
        while (box.receive()) got.fetch_add(1);
    });
    threads.spawn("publisher", [&] {
        int accepted = 0;
        for (int n = 1; n <= 2; ++n) {
            accepted += static_cast<int>(bus.publish(tick{0, n}).queued);
            if (run.random(2) == 0) run.sleep_for(1ms);
        }
        while (got.load() != accepted) base::yield();
        box.close();
    });
    threads.join();
    require(box.stats().queued == 0, "left behind");
}

/// The bus goes while somebody receives.
void the_bus_of_a_mailbox_goes(scheduler& run) {
    crew threads{run};
    auto bus = std::make_unique<tidings::bus>();
    auto box = bus->mailbox<tick>();
    std::uint64_t got = 0;
    std::uint64_t accepted = bus->publish(tick{0, 1}).queued;
    threads.spawn("receiver", [&] {
        while (box.receive()) ++got;
    });
    threads.spawn("ends the bus", [&] {
        accepted += bus->publish(tick{0, 2}).queued;
        bus.reset();
    });
    threads.join();
    require_ended(box.stats(), accepted);
    require(box.stats().delivered == got, "deliveries are off");
}

/// A coroutine that starts at once.
struct started {
    struct promise_type {
        started get_return_object() noexcept { return {}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() noexcept {}
        void unhandled_exception() noexcept { std::terminate(); }
    };
};

/// What coroutines got out of a mailbox.
struct harvest {
    base::mutex mutex;
    base::condition_variable changed;
    std::uint64_t count = 0;
    int ended = 0;

    started collect(mailbox<tick>& from) {
        std::array<int, 2> last{};
        while (const received<tick> e = co_await from.next()) {
            require(e->n > std::exchange(last[e->from], e->n), "out of order");
            const std::lock_guard lock{mutex};
            ++count;
        }
        const std::lock_guard lock{mutex};
        ++ended;
        changed.notify_all();
    }
    void wait_for(int coroutines) {
        std::unique_lock lock{mutex};
        changed.wait(lock, [&] { return ended == coroutines; });
    }
};

/// Coroutines that begin to wait, publishers that push and wait for room, and who closes the mailbox or the bus: each
/// event that was accepted comes out once, and both coroutines end.
template <std::size_t capacity>
void coroutines_receive(scheduler& run) {
    harvest got;
    crew threads{run};
    thread_pool pool{1U + static_cast<unsigned>(run.random(2))};
    bus bus{{.executor = pool}};
    auto box = bus.mailbox<tick>({.capacity = capacity});
    base::atomic<std::uint64_t> accepted{0};
    for (std::size_t p = 0; p < 2; ++p) {
        threads.spawn("publisher", [&, p] {
            for (int n = 1; n <= 2; ++n) accepted.fetch_add(bus.publish(tick{p, n}).queued);
        });
    }
    threads.spawn("starts a coroutine", [&] { got.collect(box); });
    if (run.random(2) == 0) {
        threads.spawn("closer", [&] {
            if (run.random(2) == 0) box.close();
            else bus.close();
        });
    }
    got.collect(box);
    threads.join();
    box.close();
    got.wait_for(2);
    require(got.count == accepted.load(), "an event is lost, or came twice");
    require_ended(box.stats(), accepted.load());
    require(box.stats().delivered == accepted.load(), "deliveries are off");
}

/// The bus goes, with coroutines that wait, go on, or have just been handed an event.
void the_bus_of_coroutines_goes(scheduler& run) {
    harvest got;
    crew threads{run};
    thread_pool pool{1};
    auto bus = std::make_unique<tidings::bus>(bus_options{.executor = pool});
    auto box = bus->mailbox<tick>();
    std::uint64_t accepted = 0;
    threads.spawn("ends the bus", [&] {
        for (int n = 1; n <= 2; ++n) accepted += bus->publish(tick{0, n}).queued;
        bus.reset();
    });
    got.collect(box);
    got.collect(box);
    threads.join();
    got.wait_for(2);
    require_ended(box.stats(), accepted);
    require(box.stats().delivered == got.count && accepted == 2, "deliveries are off");
}

// --- Timers --------------------------------------------------------------------------------------------------------

/// cancel() while it rings: afterwards nothing of it runs, and its event is gone.
template <bool repeated>
void cancel_is_a_barrier(scheduler& run) {
    crew threads{run};
    thread_pool pool{2};
    bus bus{{.executor = pool}};
    base::atomic<int> events{0};
    base::atomic<bool> over{false};
    base::atomic<int> rung{0};
    subscription taken = bus.subscribe([&](const counted&) {
        require(!over.load(), "it rings after cancel()");
        base::preemption_point();
        require(!over.load(), "cancel() did not wait");
        rung.fetch_add(1);
    });
    timer set = repeated ? bus.publish_every(1ms, counted{events}) : bus.publish_after(1ms, counted{events});
    for (std::size_t r = 0; r < 2; ++r) {
        const auto delay = run.random(3) * 1ms;
        threads.spawn("canceller", [&, delay] {
            run.sleep_for(delay);
            require(set.cancel() == reset_result::ended, "cancel() did not wait");
            over.store(true);
            require(!set.pending() && events.load() == 0, "the event outlives cancel()");
        });
    }
    threads.join();
    const int before = rung.load();
    run.sleep_for(1s);
    require(rung.load() == before && (repeated || before <= 1), "it rang again");
}

/// A handler cancels the timer that published its event.
void a_timer_cancels_itself(scheduler& run) {
    thread_pool pool{1};
    bus bus{{.executor = pool}};
    base::atomic<int> events{0};
    base::atomic<int> rung{0};
    base::atomic<bool> ready{false};
    timer set;
    const bool queued = run.random(2) == 0;
    const auto handler = [&](const counted&) {
        if (!ready.load()) return;
        const reset_result result = set.cancel();
        require(result != reset_result::would_deadlock, "a weak barrier");
        if (!queued) require(result == reset_result::running_here, "it is not told that it runs");
        rung.fetch_add(1);
    };
    subscription taken;
    if (queued) taken = bus.subscribe(handler, async);
    else taken = bus.subscribe(handler);
    set = bus.publish_every(1ms, counted{events});
    ready.store(true);
    run.sleep_for(1s);
    bus.drain();
    require(rung.load() >= 1 && (queued || rung.load() == 1), "it rang again");
    require(events.load() == 0, "the event outlives cancel()");
}

/// It rings as often as it should, and the subscriber may be slow.
void a_timer_rings_again(scheduler& run) {
    thread_pool pool{1};
    bus bus{{.executor = pool}};
    base::atomic<int> rung{0};
    subscription taken = bus.subscribe([&](const tick&) { rung.fetch_add(1); });
    {
        timer set = bus.publish_every(1ms, tick{});
        run.sleep_for(3500us);
        require(set.pending(), "it has ended");
        set.cancel();
    }
    require(rung.load() == 3, "it did not ring once a period");
}

/// ~bus, with timers pending and ringing, and a handler that sets more.
void a_bus_with_timers_goes(scheduler& run) {
    crew threads{run};
    base::atomic<int> events{0};
    base::atomic<bool> over{false};
    thread_pool pool{1 + static_cast<unsigned>(run.random(2))};
    auto bus = std::make_unique<tidings::bus>(bus_options{.executor = pool});
    tidings::bus& used = *bus;
    timer kept;
    subscription taken = bus->subscribe([&](const counted& e) {
        require(!over.load(), "a timer rings after its bus");
        static_cast<void>(used.publish_after(1ms, e));
    });
    static_cast<void>(bus->publish_after(1ms, counted{events}));
    static_cast<void>(bus->publish_after(1h, counted{events}));
    kept = bus->publish_every(1ms, counted{events});
    threads.spawn("ends the bus", [&] {
        run.sleep_for(run.random(4) * 500us);
        bus.reset();
        over.store(true);
        require(events.load() == 0, "an event of a timer outlives the bus");
        require(!kept.pending(), "a timer is pending without its bus");
    });
    threads.join();
    run.sleep_for(30min);  // what is left would hold the clock's thread for an hour
}

/// ~bus on the thread of a loop, while a timer waits for room in a queue that only this thread empties.
void a_bus_goes_while_a_timer_waits_for_room(scheduler& run) {
    thread_pool pool{1};
    manual_executor loop;
    auto bus = std::make_unique<tidings::bus>(bus_options{.executor = pool, .on_error = [](const handler_error&) {}});
    subscription taken = bus->subscribe([](const tick&) {}, async.on(loop).capacity(1));
    static_cast<void>(bus->publish_after(1ms, tick{0, 1}));
    static_cast<void>(bus->publish_after(1ms, tick{0, 2}));
    run.sleep_for(run.random(2) * 2ms);
    bus.reset();
    require(taken.stats().queued == 0, "something is still queued");
}

/// The pool goes, and timers with it.
void the_pool_of_a_timer_goes(scheduler& run) {
    crew threads{run};
    base::atomic<int> events{0};
    auto pool = std::make_unique<thread_pool>(1U);
    bus bus{{.executor = *pool}};
    base::atomic<int> rung{0};
    subscription taken = bus.subscribe([&](const counted&) { rung.fetch_add(1); });
    timer set = run.random(2) == 0 ? bus.publish_every(1ms, counted{events}) : bus.publish_after(1ms, counted{events});
    threads.spawn("ends the pool", [&] {
        run.sleep_for(run.random(3) * 1ms);
        pool.reset();
    });
    threads.join();
    run.sleep_for(10ms);
    require(!set.pending() && events.load() == 0, "a timer that nobody will ring is pending");
    require(set.cancel() == reset_result::ended, "cancel() of what has ended");
}

// A million in all.
constexpr std::uint64_t schedules = tidings::simulation::schedules_of(25'000);

}  // namespace

TEST_CASE("simulated: one queue keeps the order of each publisher") { EXPLORE(schedules, one_queue_keeps_order); }
TEST_CASE("simulated: publishers wait for room in a queue of one") {
    EXPLORE(schedules, publishers_wait_for_room<1, 1>);
}
TEST_CASE("simulated: publishers wait for room in a queue of two") {
    EXPLORE(schedules, publishers_wait_for_room<2, 1>);
}
TEST_CASE("simulated: publishers wait for two workers") { EXPLORE(schedules, publishers_wait_for_room<1, 2>); }
TEST_CASE("simulated: drop_oldest accounts") {
    EXPLORE(schedules / 2, full_queues_account<overflow::drop_oldest, 1>);
    EXPLORE(schedules / 2, full_queues_account<overflow::drop_oldest, 2>);
}
TEST_CASE("simulated: drop_newest accounts") {
    EXPLORE(schedules / 2, full_queues_account<overflow::drop_newest, 1>);
    EXPLORE(schedules / 2, full_queues_account<overflow::drop_newest, 2>);
}
TEST_CASE("simulated: reject accounts") {
    EXPLORE(schedules / 2, full_queues_account<overflow::reject, 1>);
    EXPLORE(schedules / 2, full_queues_account<overflow::reject, 2>);
}
TEST_CASE("simulated: lanes keep the order of each key") {
    overlap_seen overlaps;
    EXPLORE(schedules, [&](scheduler& run) { lanes_keep_order<8, overflow::block>(run, overlaps); });
    CHECK(overlaps.times > 0);
}
TEST_CASE("simulated: short lanes keep the order of each key") {
    overlap_seen overlaps;
    EXPLORE(schedules, [&](scheduler& run) { lanes_keep_order<1, overflow::block>(run, overlaps); });
    CHECK(overlaps.times > 0);
}
TEST_CASE("simulated: lanes drop and reject") {
    overlap_seen overlaps;
    EXPLORE(schedules, [&](scheduler& run) { lanes_keep_order<2, overflow::drop_oldest>(run, overlaps); });
    EXPLORE(schedules / 2, [&](scheduler& run) { lanes_keep_order<1, overflow::reject>(run, overlaps); });
    CHECK(overlaps.times > 0);
}
TEST_CASE("simulated: no lane is stranded") {
    EXPLORE(schedules, lanes_are_not_stranded<1>);
    EXPLORE(schedules, lanes_are_not_stranded<2>);
}
TEST_CASE("simulated: two events at the same time, not three") {
    overlap_seen overlaps;
    EXPLORE(schedules, [&](scheduler& run) { concurrency_is_kept(run, overlaps); });
    CHECK(overlaps.times > 0);
}
TEST_CASE("simulated: a slow subscriber holds up nobody") {
    EXPLORE(schedules, a_slow_one_holds_up_nobody<overflow::reject>);
    EXPLORE(schedules / 2, a_slow_one_holds_up_nobody<overflow::drop_newest>);
    EXPLORE(schedules / 2, a_slow_one_holds_up_nobody<overflow::drop_oldest>);
}
TEST_CASE("simulated: a listener has one queue") { EXPLORE(schedules, a_listener_has_one_queue); }
TEST_CASE("simulated: reset of a queue is a barrier") { EXPLORE(schedules, reset_is_a_barrier<false>); }
TEST_CASE("simulated: reset of a queue with keys is a barrier") { EXPLORE(schedules, reset_is_a_barrier<true>); }
TEST_CASE("simulated: a worker ends its own subscription") { EXPLORE(schedules, a_handler_ends_itself); }
TEST_CASE("simulated: workers reset each other") { EXPLORE(schedules, workers_reset_each_other); }
TEST_CASE("simulated: bus, pool and subscription go at once") { EXPLORE(schedules, all_go_at_once); }
TEST_CASE("simulated: handlers end bus, pool and subscription") { EXPLORE(schedules, handlers_end_all); }
TEST_CASE("simulated: the pool goes first") {
    EXPLORE(schedules, the_pool_goes_first<false>);
    EXPLORE(schedules, the_pool_goes_first<true>);
}
TEST_CASE("simulated: close stops the intake") { EXPLORE(schedules, close_stops_intake); }
TEST_CASE("simulated: drain follows cascades") { EXPLORE(schedules, drain_follows_cascades); }
TEST_CASE("simulated: drain beside publishers") { EXPLORE(schedules, drain_beside_publishers); }
TEST_CASE("simulated: drain waits for the handler of a subscription that was reset") {
    EXPLORE(schedules, drain_waits_for_the_reset);
}
TEST_CASE("simulated: drain gives up in time") { EXPLORE(schedules / 4, drain_gives_up_in_time); }
TEST_CASE("simulated: a loop drains itself") { EXPLORE(schedules, a_loop_drains_itself); }
TEST_CASE("simulated: a loop and a pool publish to each other") { EXPLORE(schedules / 2, a_loop_and_a_pool); }
TEST_CASE("simulated: two pools feed each other") { EXPLORE(schedules, two_pools_feed_each_other); }
TEST_CASE("simulated: two pools wait for each other") { EXPLORE(schedules, two_pools_wait_for_each_other); }
TEST_CASE("simulated: a queue feeds itself") { EXPLORE(schedules, a_queue_feeds_itself); }
TEST_CASE("simulated: a worker resets who waits for its executor") {
    EXPLORE(schedules, a_worker_resets_who_waits_for_its_executor);
}

TEST_CASE("simulated: a handler destroys a pool whose handler resets it") {
    EXPLORE(schedules, a_handler_destroys_a_pool_that_waits_for_it<true>);
}

TEST_CASE("simulated: a handler destroys a pool whose handler waits for room in its queue") {
    EXPLORE(schedules, a_handler_destroys_a_pool_that_waits_for_it<false>);
}

TEST_CASE("simulated: a worker resets who waits for it") { EXPLORE(schedules, a_worker_resets_who_waits_for_it); }
TEST_CASE("simulated: two receive from one mailbox") {
    EXPLORE(schedules, two_receive<1>);
    EXPLORE(schedules, two_receive<8>);
}
TEST_CASE("simulated: each receives one") { EXPLORE(schedules, each_receives_one); }
TEST_CASE("simulated: one receives for a while") { EXPLORE(schedules, one_receives_for_a_while); }
TEST_CASE("simulated: the bus of a mailbox goes") { EXPLORE(schedules, the_bus_of_a_mailbox_goes); }
TEST_CASE("simulated: coroutines receive from a mailbox") {
    EXPLORE(schedules, coroutines_receive<1>);
    EXPLORE(schedules, coroutines_receive<8>);
}
TEST_CASE("simulated: the bus of coroutines goes") { EXPLORE(schedules, the_bus_of_coroutines_goes); }
TEST_CASE("simulated: cancel is a barrier") {
    EXPLORE(schedules, cancel_is_a_barrier<false>);
    EXPLORE(schedules, cancel_is_a_barrier<true>);
}
TEST_CASE("simulated: a timer cancels itself") { EXPLORE(schedules, a_timer_cancels_itself); }
TEST_CASE("simulated: a timer rings again") { EXPLORE(schedules / 2, a_timer_rings_again); }
TEST_CASE("simulated: a bus with timers goes") { EXPLORE(schedules, a_bus_with_timers_goes); }
TEST_CASE("simulated: a bus goes while a timer waits for room") {
    EXPLORE(schedules, a_bus_goes_while_a_timer_waits_for_room);
}
TEST_CASE("simulated: the pool of a timer goes") { EXPLORE(schedules, the_pool_of_a_timer_goes); }
