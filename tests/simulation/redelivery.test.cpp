// Events that come again, on simulated threads: the order of each line is kept, no rest is for ever, every event is in
// one account, and everything ends.
#include "simulation/crew.hpp"
#include "simulation/explore_case.hpp"
#include "simulation/sync.hpp"

#include <tidings/core/redelivery.hpp>
#include <tidings/tidings.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace {

using namespace tidings;
using namespace std::chrono_literals;
using simulation::crew;
using simulation::require;
using simulation::scheduler;
using time_point = delivery_attempt::time_point;

/// Knows how many of it there are, and dies with no lock held.
class note {
public:
    note(base::atomic<int>& living, std::size_t publisher, int number, int of_key = 0) noexcept
        : from{publisher}, n{number}, key{of_key}, living_{&living} {
        living_->fetch_add(1);
    }
    note(const note& other) noexcept : from{other.from}, n{other.n}, key{other.key}, living_{other.living_} {
        living_->fetch_add(1);
    }
    note& operator=(const note&) = delete;
    ~note() {
        require(simulation::this_thread().locks == 0, "an event is destroyed with a lock held");
        living_->fetch_sub(1);
    }

    const std::size_t from;
    const int n;  // from 1, without gaps, of each publisher and key
    const int key;

private:
    base::atomic<int>* living_;
};
struct other {
    int n = 0;
};

/// What was asked and handled of one line: one at a time, and nobody overtakes.
class line {
public:
    void begin(const note& e, unsigned attempt) {
        require(simulation::this_thread().locks == 0, "a handler is asked with a lock held");
        require(!std::exchange(inside_, true), "two of a line at a time");
        require(e.n == last_.at(e.from) + 1, "overtaken, lost or twice");
        require(attempt == ++attempts_.at(e.from), "an attempt was not counted, or twice");
        require(now() >= due_.at(e.from), "before its time");
        base::preemption_point();
    }
    void again(const note& e, time_point due) {
        due_.at(e.from) = due;
        inside_ = false;
    }
    void end(const note& e) {
        last_.at(e.from) = e.n;
        attempts_.at(e.from) = 0;
        due_.at(e.from) = time_point::min();
        ++count_;
        inside_ = false;
    }
    int count() const noexcept { return count_; }

    static time_point now() { return base::steady_clock::now(); }

private:
    std::array<int, 3> last_{};
    std::array<unsigned, 3> attempts_{};
    std::array<time_point, 3> due_{time_point::min(), time_point::min(), time_point::min()};
    int count_ = 0;
    bool inside_ = false;
};

/// A pool whose workers take one event a task, in every other schedule.
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

void require_ended(const subscription_stats& s, std::uint64_t accepted) {
    require(s.queued == 0, "something is still queued");
    require(s.accepted() == accepted, "the account does not add up");
}

constexpr auto ignore = [](const note&) {};

// --- Order ---------------------------------------------------------------------------------------------------------

/// Two publishers; what fails comes again, at once, soon or later, and keeps its place.
template <bool keyed, std::size_t capacity>
void retries_keep_order(scheduler& run) {
    crew threads{run};
    base::atomic<int> living{0};
    {
        thread_pool pool{2};
        bus bus{{.executor = maybe_in_steps(pool, run)}};
        std::array<line, 2> lines;
        const auto prefetch = 1 + static_cast<std::size_t>(run.random(3));
        const auto how = [&] {
            const auto settings = async.capacity(capacity).prefetch(prefetch);
            if constexpr (keyed) return settings.ordered_by(&note::key).concurrency(2);
            else return settings;
        }();
        const redelivering_queue queue{bus, how};
        const auto taken = queue.subscribe<note>(
            bus, "", ignore,
            [&](delivery_attempt& delivery, auto call) {
                const kept_event kept = delivery.keep();
                const note& e = *kept.get_if<note>();
                line& mine = lines.at(static_cast<std::size_t>(e.key));
                mine.begin(e, delivery.number());
                if (delivery.number() < 3 && run.random(2) == 0) {
                    const time_point due =
                        run.random(3) == 0 ? time_point::min() : line::now() + std::chrono::milliseconds{run.random(3)};
                    mine.again(e, due);
                    return delivery.again_at(due);
                }
                require(call(), "the listener is gone");
                mine.end(e);
                return settlement::done;
            },
            how);
        for (std::size_t p = 0; p < 2; ++p)
            threads.spawn("publisher", [&, p] {
                for (int n = 1; n <= 2; ++n)
                    for (int key = 0; key < (keyed ? 2 : 1); ++key)
                        require(bus.publish(note{living, p, n, key}).queued == 1, "not accepted");
                bus.drain();
            });
        threads.join();
        bus.drain();
        require(lines[0].count() == 4 && lines[1].count() == (keyed ? 4 : 0), "lost");
        require_ended(taken.stats(), keyed ? 8 : 4);
        require(taken.stats().delivered == (keyed ? 8 : 4), "not delivered");
        require(taken.stats().high_water <= capacity, "more wait than may");
    }
    require(living.load() == 0, "an event leaks");
}

/// With concurrency and no key: each has its own rest, and ends once.
void each_rests_alone(scheduler& run) {
    crew threads{run};
    base::atomic<int> living{0};
    {
        thread_pool pool{2};
        bus bus{{.executor = maybe_in_steps(pool, run)}};
        std::array<base::atomic<unsigned>, 4> asked{};
        base::atomic<int> ended{0};
        base::atomic<int> inside{0};
        const auto how = async.concurrency(2);
        const redelivering_queue queue{bus, how};
        const auto taken = queue.subscribe<note>(
            bus, "", ignore,
            [&](delivery_attempt& delivery, auto) {
                const auto n = static_cast<std::size_t>(delivery.keep().get_if<note>()->n);
                require(inside.fetch_add(1) < 2, "more at a time than the concurrency");
                require(asked.at(n).fetch_add(1) + 1 == delivery.number(), "attempts are off");
                inside.fetch_sub(1);
                if (delivery.number() <= n) return delivery.again_at(line::now() + 1ms);
                ended.fetch_add(1);
                return settlement::failed;
            },
            how);
        for (int p = 0; p < 2; ++p)
            threads.spawn("publisher", [&, p] {
                for (int n = 0; n < 2; ++n) bus.publish(note{living, 0, 2 * p + n});
            });
        threads.join();
        bus.drain();
        require(ended.load() == 4, "lost, or twice");
        require_ended(taken.stats(), 4);
        require(taken.stats().failed == 4, "not counted");
    }
    require(living.load() == 0, "an event leaks");
}

/// A full queue whose oldest may be one that rests: what is dropped is counted, and the others come.
template <bool keyed>
void the_oldest_rests_and_is_dropped(scheduler& run) {
    crew threads{run};
    base::atomic<int> living{0};
    {
        thread_pool pool{1};
        bus bus{{.executor = pool}};
        base::atomic<std::uint64_t> ended{0};
        const auto how = [] {
            const auto settings = async.capacity(1).when_full(overflow::drop_oldest);
            if constexpr (keyed) return settings.ordered_by(&note::key);
            else return settings;
        }();
        const redelivering_queue queue{bus, how};
        const auto taken = queue.subscribe<note>(
            bus, "", ignore,
            [&](delivery_attempt& delivery, auto) {
                if (delivery.number() == 1) return delivery.again_at(line::now() + 1ms);
                ended.fetch_add(1);
                return settlement::done;
            },
            how);
        for (int p = 0; p < 2; ++p)
            threads.spawn("publisher", [&, p] {
                for (int n = 0; n < 2; ++n) bus.publish(note{living, 0, n, p});
            });
        threads.join();
        bus.drain();
        const auto stats = taken.stats();
        require_ended(stats, 4);
        require(stats.delivered == ended.load() && stats.delivered >= 1, "deliveries are off");
        require(stats.delivered + stats.dropped == 4, "drops are off");
    }
    require(living.load() == 0, "an event leaks");
}

// --- Rest of the whole queue ---------------------------------------------------------------------------------------

/// It rests until it is told, and whoever tells it comes at any moment: it is not left resting.
template <unsigned concurrency>
void resume_is_not_lost(scheduler& run) {
    crew threads{run};
    base::atomic<int> living{0};
    {
        thread_pool pool{2};
        bus bus{{.executor = maybe_in_steps(pool, run)}};
        base::atomic<bool> open{false};
        base::atomic<int> handled{0};
        const auto how = async.concurrency(concurrency).prefetch(1 + static_cast<std::size_t>(run.random(3)));
        const redelivering_queue queue{bus, how};
        const auto taken = queue.subscribe<note>(
            bus, "", ignore,
            [&](delivery_attempt& delivery, auto) {
                require(delivery.number() == 1, "what was not tried counts as an attempt");
                if (!open.load()) {
                    base::preemption_point();
                    return delivery.not_before(time_point::max());
                }
                handled.fetch_add(1);
                return settlement::done;
            },
            how);
        threads.spawn("opener", [&] {
            open.store(true);
            queue.resume();
        });
        for (int p = 0; p < 2; ++p)
            threads.spawn("publisher", [&] {
                for (int n = 0; n < 2; ++n) bus.publish(note{living, 0, n});
            });
        threads.join();
        bus.drain();
        require(handled.load() == 4, "lost, or twice");
        require_ended(taken.stats(), 4);
    }
    require(living.load() == 0, "an event leaks");
}

/// A place of its own that handlers take and give back: who finds it taken rests until told.
void a_place_goes_round(scheduler& run) {
    crew threads{run};
    thread_pool pool{2};
    bus bus{{.executor = pool}};
    base::mutex guard;
    bool is_taken = false;
    int handled = 0;
    std::vector<redelivering_queue> queues;
    std::vector<redelivering_subscription> taken;
    const auto how = async.prefetch(2);
    for (int q = 0; q < 2; ++q) queues.emplace_back(bus, how);
    for (int q = 0; q < 2; ++q)
        taken.push_back(queues[static_cast<std::size_t>(q)].subscribe<other>(
            bus, "", [](const other&) {},
            [&](delivery_attempt& delivery, auto) {
                {
                    const std::lock_guard lock{guard};
                    if (std::exchange(is_taken, true)) return delivery.not_before(time_point::max());
                }
                base::preemption_point();
                {
                    const std::lock_guard lock{guard};
                    ++handled;
                    is_taken = false;
                }
                for (const auto& each : queues) each.resume();
                return settlement::done;
            },
            how));
    for (int p = 0; p < 2; ++p) threads.spawn("publisher", [&] { bus.publish(other{}); });
    threads.join();
    bus.drain();
    require(handled == 4, "lost, or twice");
    for (const auto& each : taken) require_ended(each.stats(), 2);
}

/// Rests until a time, rests of one event, and somebody who ends all rests meanwhile: what is last set does not undo
/// the alarm of another.
void rests_overlap(scheduler& run) {
    crew threads{run};
    thread_pool pool{2};
    bus bus{{.executor = maybe_in_steps(pool, run)}};
    base::atomic<int> refusals{3};
    base::atomic<int> handled{0};
    const auto how = async.concurrency(2).ordered_by(&other::n);
    const redelivering_queue queue{bus, how};
    const auto taken = queue.subscribe<other>(
        bus, "", [](const other&) {},
        [&](delivery_attempt& delivery, auto) {
            if (delivery.number() == 1) return delivery.again_at(line::now() + 2ms);
            if (refusals.fetch_sub(1) > 0)
                return delivery.not_before(line::now() + std::chrono::milliseconds{run.random(4)});
            handled.fetch_add(1);
            return settlement::done;
        },
        how);
    threads.spawn("publisher", [&] {
        for (int n = 0; n < 3; ++n) bus.publish(other{n % 2});
    });
    threads.spawn("caller", [&] {
        run.sleep_for(2ms);
        queue.resume();
    });
    threads.join();
    bus.drain();
    require(handled.load() == 3, "lost, or twice");
    require_ended(taken.stats(), 3);
    require(line::now() - simulation::outside_now < 1s, "late");
}

/// A long rest, and then a short one: the short one is over first.
void a_sooner_rest_moves_the_alarm(scheduler& run) {
    crew threads{run};
    thread_pool pool{2};
    bus bus{{.executor = pool}};
    std::array<base::atomic<bool>, 2> ended{};
    const auto how = async.ordered_by(&other::n).concurrency(2);
    const redelivering_queue queue{bus, how};
    const auto taken = queue.subscribe<other>(
        bus, "", [](const other&) {},
        [&](delivery_attempt& delivery, auto) {
            const auto n = static_cast<std::size_t>(delivery.keep().get_if<other>()->n);
            if (delivery.number() == 1) return delivery.again_at(line::now() + (n == 0 ? 100s : 1ms));
            require(n == 0 || line::now() - simulation::outside_now < 50s, "it comes late");
            ended.at(n).store(true);
            return settlement::done;
        },
        how);
    for (int p = 0; p < 2; ++p) threads.spawn("publisher", [&, p] { bus.publish(other{p}); });
    threads.join();
    bus.drain();
    require(ended[0].load() && ended[1].load(), "lost");
    require_ended(taken.stats(), 2);
}

// --- Room ----------------------------------------------------------------------------------------------------------

/// Publishers wait for the place of an event that rests.
void publishers_wait_behind_a_rest(scheduler& run) {
    crew threads{run};
    thread_pool pool{1U + static_cast<unsigned>(run.random(2))};
    bus bus{{.executor = maybe_in_steps(pool, run)}};
    int handled = 0;
    const auto how = async.capacity(1);
    const redelivering_queue queue{bus, how};
    const auto taken = queue.subscribe<other>(
        bus, "", [](const other&) {},
        [&](delivery_attempt& delivery, auto) {
            if (delivery.number() == 1) return delivery.again_at(line::now() + 1ms);
            ++handled;
            return settlement::done;
        },
        how);
    for (int p = 0; p < 3; ++p)
        threads.spawn("publisher", [&] { require(bus.publish(other{}).queued == 1, "not accepted"); });
    threads.join();
    bus.drain();
    require(handled == 3, "lost, or twice");
    require_ended(taken.stats(), 3);
}

// --- The end -------------------------------------------------------------------------------------------------------

/// reset() at the moment when the alarm rings, and a drain that waits for what it discards.
template <bool keyed>
void reset_meets_the_alarm(scheduler& run) {
    crew threads{run};
    base::atomic<int> living{0};
    {
        thread_pool pool{2};
        bus bus{{.executor = maybe_in_steps(pool, run)}};
        base::atomic<bool> ended{false};
        const auto how = [] {
            if constexpr (keyed) return async.ordered_by(&note::key);
            else return async;
        }();
        const redelivering_queue queue{bus, how};
        std::optional<redelivering_subscription> taken = queue.subscribe<note>(
            bus, "", ignore,
            [&](delivery_attempt& delivery, auto) {
                require(!ended.load(), "a handler is asked after reset");
                return delivery.number() == 1 ? delivery.again_at(line::now() + 1ms)
                                              : delivery.again_at(line::now() + 24h);
            },
            how);
        for (int n = 0; n < 2; ++n) bus.publish(note{living, 0, n, n});
        threads.spawn("owner", [&] {
            if (run.random(2) == 0) run.sleep_for(1ms);
            require(taken->reset() == reset_result::ended, "not ended");
            ended.store(true);
        });
        threads.spawn("drainer", [&] { bus.drain(); });
        threads.spawn("publisher", [&] { bus.publish(note{living, 0, 2, 1}); });
        threads.join();
        bus.drain();
        const auto stats = taken->stats();
        require(stats.queued == 0 && stats.accepted() == stats.discarded, "the account does not add up");
        require(stats.accepted() == 2 || stats.accepted() == 3, "lost");
    }
    require(living.load() == 0, "an event leaks");
}

/// Of two subscriptions of one queue, the one whose event rests ends: the other's events come.
template <bool whole_queue>
void one_of_two_ends(scheduler& run) {
    crew threads{run};
    thread_pool pool{1};
    bus bus{{.executor = maybe_in_steps(pool, run)}};
    base::atomic<int> handled{0};
    const redelivering_queue queue{bus, async};
    auto first = queue.subscribe<int>(
        bus, "", [](int) {},
        [&](delivery_attempt& delivery, auto) {
            const auto due = line::now() + 24h;
            return whole_queue ? delivery.not_before(due) : delivery.again_at(due);
        },
        async);
    const auto second = queue.subscribe<other>(
        bus, "", [&](const other&) { handled.fetch_add(1); },
        [](delivery_attempt&, auto call) {
            call();
            return settlement::done;
        },
        async);
    bus.publish(1);
    threads.spawn("owner", [&] { first.reset(); });
    threads.spawn("publisher", [&] {
        for (int n = 0; n < 2; ++n) bus.publish(other{n});
    });
    threads.join();
    bus.drain();
    require(handled.load() == 2, "lost");
    require_ended(first.stats(), 1);
    require_ended(second.stats(), 2);
    // At once, but where the whole queue rests and something was behind.
    if (!whole_queue) require(line::now() - simulation::outside_now < 1h, "it waited for what was gone");
}

/// Of two subscriptions with keys the one ends whose event rests, while an event of another key waits: its key is free
/// again when its time is over.
void one_of_two_with_keys_ends(scheduler& run) {
    struct key_of {
        int operator()(int) const noexcept { return 1; }
        int operator()(const other& e) const noexcept { return e.n; }
    };
    crew threads{run};
    thread_pool pool{1};
    bus bus{{.executor = maybe_in_steps(pool, run)}};
    int handled = 0;
    const auto how = async.ordered_by(key_of{}).concurrency(1);
    const redelivering_queue queue{bus, how};
    auto first = queue.subscribe<int>(
        bus, "", [](int) {}, [&](delivery_attempt& delivery, auto) { return delivery.again_at(line::now() + 1ms); },
        how);
    const auto second = queue.subscribe<other>(
        bus, "", [&](const other&) { ++handled; },
        [&](delivery_attempt& delivery, auto call) {
            if (delivery.keep().get_if<other>()->n == 2 && delivery.number() == 1)
                return delivery.again_at(line::now() + 5ms);
            call();
            return settlement::done;
        },
        how);
    bus.publish(other{2});
    bus.publish(1);
    threads.spawn("owner", [&] { first.reset(); });
    threads.spawn("publisher", [&] {
        run.sleep_for(std::chrono::milliseconds{1 + run.random(2)});
        bus.publish(other{1});
    });
    threads.join();
    bus.drain();
    require(handled == 2, "lost");
    require_ended(first.stats(), 1);
    require_ended(second.stats(), 2);
}

/// A handler ends its own subscription, and asks for its event again.
void a_handler_ends_itself_and_asks_again(scheduler& run) {
    crew threads{run};
    base::atomic<int> living{0};
    {
        thread_pool pool{2};
        bus bus{{.executor = pool}};
        base::atomic<int> asked{0};
        std::optional<redelivering_subscription> taken;
        const redelivering_queue queue{bus, async.concurrency(2)};
        taken = queue.subscribe<note>(
            bus, "", ignore,
            [&](delivery_attempt& delivery, auto) {
                if (asked.fetch_add(1) == 0) {
                    taken->reset();
                    return delivery.again_at(time_point::min());
                }
                return delivery.not_before(time_point::max());
            },
            async.concurrency(2));
        for (int p = 0; p < 2; ++p)
            threads.spawn("publisher", [&] {
                for (int n = 0; n < 2; ++n) bus.publish(note{living, 0, n});
            });
        threads.join();
        bus.drain();
        const auto stats = taken->stats();
        require(stats.queued == 0 && stats.discarded == stats.accepted(), "the account does not add up");
    }
    require(living.load() == 0, "an event leaks");
}

/// Bus, pool and subscription end on three threads, while events rest and their alarm rings.
void everything_ends_at_once(scheduler& run) {
    crew threads{run};
    base::atomic<int> living{0};
    {
        auto pool = std::make_unique<thread_pool>(1U);
        auto bus = std::make_unique<tidings::bus>(bus_options{.executor = *pool});
        const auto how = async.ordered_by(&note::key).concurrency(2);
        std::optional<redelivering_queue> queue{std::in_place, *bus, how};
        std::optional<redelivering_subscription> taken = queue->subscribe<note>(
            *bus, "", ignore,
            [&](delivery_attempt& delivery, auto) {
                const auto due = line::now() + std::chrono::milliseconds{run.random(2)};
                return run.random(2) == 0 ? delivery.again_at(due) : delivery.not_before(due);
            },
            how);
        for (int n = 0; n < 3; ++n) bus->publish(note{living, 0, n, n % 2});
        threads.spawn("bus", [&] { bus.reset(); });
        threads.spawn("pool", [&] { pool.reset(); });
        threads.spawn("queue", [&] { queue.reset(); });
        threads.spawn("subscription", [&] {
            run.sleep_for(1ms);
            taken->reset();
        });
        threads.join();
        const auto stats = taken->stats();
        require(stats.queued == 0 && stats.accepted() == 3 && stats.discarded == 3, "the account does not add up");
    }
    require(living.load() == 0, "an event leaks");
}

/// The pool ends while events rest, for a time or until told: who drains comes back, and what comes later is discarded.
template <bool until_told>
void the_executor_ends(scheduler& run) {
    crew threads{run};
    base::atomic<int> living{0};
    {
        std::optional<thread_pool> pool{std::in_place, 2U};
        bus bus{{.executor = *pool}};
        const auto how = async.concurrency(2);
        const redelivering_queue queue{bus, how};
        const auto taken = queue.subscribe<note>(
            bus, "", ignore,
            [&](delivery_attempt& delivery, auto) {
                return until_told ? delivery.not_before(time_point::max()) : delivery.again_at(line::now() + 1ms);
            },
            how);
        for (int n = 0; n < 2; ++n) bus.publish(note{living, 0, n});
        threads.spawn("pool", [&] {
            run.sleep_for(1ms);
            pool.reset();
        });
        threads.spawn("publisher", [&] { bus.publish(note{living, 0, 2}); });
        threads.spawn("caller", [&] {
            if (until_told) {
                run.sleep_for(2ms);  // else nobody would come
                queue.resume();
            }
            bus.drain();
        });
        threads.join();
        bus.drain();
        require_ended(taken.stats(), 3);
        require(taken.stats().discarded == 3, "not discarded");
    }
    require(living.load() == 0, "an event leaks");
}

// --- Once more -----------------------------------------------------------------------------------------------------

/// An event is given to its handler once more, against publishers and reset(): it is queued, or not taken, never both.
void delivered_once_more(scheduler& run) {
    crew threads{run};
    base::atomic<int> living{0};
    {
        thread_pool pool{2};
        bus bus{{.executor = pool}};
        kept_event kept;
        base::atomic<std::uint64_t> seen{0};
        const auto how = async.capacity(1);
        const redelivering_queue queue{bus, how};
        auto taken = queue.subscribe<note>(
            bus, "", ignore,
            [&](delivery_attempt& delivery, auto) {
                require(delivery.number() == 1, "attempts do not begin anew");
                if (seen.fetch_add(1) == 0) kept = delivery.keep();
                return settlement::failed;
            },
            how);
        bus.publish(note{living, 0, 0});
        bus.drain();
        base::atomic<std::uint64_t> accepted{1};
        for (int p = 0; p < 2; ++p)
            threads.spawn("sender", [&] {
                if (taken.deliver(kept, 0)) accepted.fetch_add(1);
            });
        threads.spawn("publisher", [&] { accepted.fetch_add(bus.publish(note{living, 0, 1}).queued); });
        threads.spawn("owner", [&] { taken.reset(); });
        threads.join();
        bus.drain();
        const auto stats = taken.stats();
        require_ended(stats, accepted.load());
        require(stats.failed == seen.load() && stats.failed + stats.discarded == accepted.load(), "not once each");
    }
    require(living.load() == 0, "an event leaks");
}

constexpr std::uint64_t schedules = tidings::simulation::schedules_of(20'000);

}  // namespace

TEST_CASE("simulated: retries keep the order of a line") { EXPLORE(schedules, retries_keep_order<false, 8>); }
TEST_CASE("simulated: retries keep the order of each key") { EXPLORE(schedules, retries_keep_order<true, 16>); }
TEST_CASE("simulated: each event rests alone") { EXPLORE(schedules, each_rests_alone); }
TEST_CASE("simulated: the oldest rests and is dropped") { EXPLORE(schedules, the_oldest_rests_and_is_dropped<false>); }
TEST_CASE("simulated: the oldest of a key rests and is dropped") {
    EXPLORE(schedules, the_oldest_rests_and_is_dropped<true>);
}
TEST_CASE("simulated: resume is not lost") { EXPLORE(schedules, resume_is_not_lost<1>); }
TEST_CASE("simulated: resume is not lost with concurrency") { EXPLORE(schedules, resume_is_not_lost<2>); }
TEST_CASE("simulated: a place goes round") { EXPLORE(schedules, a_place_goes_round); }
TEST_CASE("simulated: rests overlap") { EXPLORE(schedules, rests_overlap); }
TEST_CASE("simulated: a sooner rest moves the alarm") { EXPLORE(schedules, a_sooner_rest_moves_the_alarm); }
TEST_CASE("simulated: publishers wait behind a rest") { EXPLORE(schedules, publishers_wait_behind_a_rest); }
TEST_CASE("simulated: reset meets the alarm") { EXPLORE(schedules, reset_meets_the_alarm<false>); }
TEST_CASE("simulated: reset of a queue with keys meets the alarm") { EXPLORE(schedules, reset_meets_the_alarm<true>); }
TEST_CASE("simulated: one of two whose event rests ends") { EXPLORE(schedules, one_of_two_ends<false>); }
TEST_CASE("simulated: one of two whose queue rests ends") { EXPLORE(schedules, one_of_two_ends<true>); }
TEST_CASE("simulated: one of two whose key rests ends") { EXPLORE(schedules, one_of_two_with_keys_ends); }
TEST_CASE("simulated: a handler ends itself and asks again") {
    EXPLORE(schedules, a_handler_ends_itself_and_asks_again);
}
TEST_CASE("simulated: all ends while events rest") { EXPLORE(schedules, everything_ends_at_once); }
TEST_CASE("simulated: the executor ends while events rest") { EXPLORE(schedules, the_executor_ends<false>); }
TEST_CASE("simulated: the executor ends while a queue rests") { EXPLORE(schedules, the_executor_ends<true>); }
TEST_CASE("simulated: delivered once more") { EXPLORE(schedules, delivered_once_more); }
