// Queues when user code throws at its n-th entry, and when the n-th allocation fails, for every n: an operation is
// whole or not at all, every event is in one account, nothing leaks, and the bus goes on.
#include "support/allocations.hpp"
#include "support/captures.hpp"
#include "support/catch.hpp"
#include "support/waiting.hpp"

#include <tidings/tidings.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace {

/// Throws at the n-th entry into user code from now on; 0: never.
struct faults {
    static inline std::int64_t left = -1;
    static inline bool happened = false;
    static void enter() {
        if (left > 0 && --left == 0) {
            happened = true;
            left = -1;
            throw std::runtime_error{"fault"};
        }
    }
    explicit faults(std::int64_t n) noexcept {
        left = n;
        happened = false;
    }
    ~faults() { left = -1; }
    faults(const faults&) = delete;
    faults& operator=(const faults&) = delete;
};

/// What copies and moves as user code does.
struct part {
    part() noexcept { ++living; }
    part(const part&) {
        faults::enter();
        ++living;
    }
    part(part&&) {  // NOLINT(performance-noexcept-move-constructor): it is to throw
        faults::enter();
        ++living;
    }
    part& operator=(const part&) = delete;
    ~part() { --living; }
    static inline int living = 0;
};

struct tick {
    explicit tick(int number) : n{number} {}
    int n;
    part inside;
};

struct world {
    tidings::manual_executor loop;
    tidings::bus bus{{.executor = loop, .on_error = [](const tidings::handler_error&) { ++told; }}};
    std::vector<tidings::subscription> taken;
    std::uint64_t accepted = 0;
    std::uint64_t rejected = 0;
    std::uint64_t calls = 0;
    std::uint64_t sync_calls = 0;
    static inline std::uint64_t told = 0;

    template <class Delivery>
    void subscribe(Delivery how) {
        auto one = bus.subscribe(
            [this, captured = part{}](const tick&) {
                faults::enter();
                ++calls;
            },
            std::move(how));
        taken.push_back(std::move(one));
    }

    void publish(bool rvalue, int n) {
        const std::uint64_t before = sync_calls;
        try {
            tick event{n};
            const auto result = rvalue ? bus.publish(std::move(event)) : bus.publish(std::as_const(event));
            accepted += result.queued;
            rejected += result.rejected;
        } catch (...) {
            CHECK(sync_calls == before);  // not at all
            throw;
        }
    }

    void check() {
        loop.run();
        tidings::subscription_stats sum;
        for (const auto& each : taken) {
            const auto s = each.stats();
            CHECK(s.queued == 0);
            sum.delivered += s.delivered;
            sum.failed += s.failed;
            sum.dropped += s.dropped;
            sum.rejected += s.rejected;
            sum.discarded += s.discarded;
        }
        CHECK(sum.accepted() == accepted);
        CHECK(sum.rejected == rejected);
        CHECK(sum.delivered == calls);
        CHECK(bus.stats().delivered == calls + sync_calls);
        CHECK(bus.stats().queued == 0);
    }
};

const auto passes = [](const tick&) {
    faults::enter();
    return true;
};
const auto key = [captured = part{}](const tick& t) {
    faults::enter();
    return t.n % 2;
};

/// Everything that can fail. What throws stands in `attempt`.
template <class Attempt>
void small_program(Attempt attempt) {
    world w;
    w.taken.reserve(8);
    attempt([&] { w.subscribe(tidings::async); });
    attempt([&] { w.subscribe(tidings::async.filter(passes).capacity(2).when_full(tidings::overflow::drop_oldest)); });
    attempt([&] { w.subscribe(tidings::async.ordered_by(key).concurrency(2)); });
    attempt([&] {
        w.subscribe(
            tidings::async.ordered_by(key).filter(passes).capacity(1).when_full(tidings::overflow::drop_oldest));
    });
    attempt([&] { w.subscribe(tidings::async.capacity(1).when_full(tidings::overflow::reject)); });
    tidings::subscription sync;
    attempt([&] { sync = w.bus.subscribe([&w](const tick&) { ++w.sync_calls; }); });
    for (int round = 0; round < 2; ++round) {
        for (int n = 0; n < 4; ++n) attempt([&] { w.publish(n % 2 == 0, n); });
        attempt([&] { w.loop.run(); });
    }
    attempt([&] {
        w.publish(true, 1);
        w.bus.drain();
    });
    w.check();
    if (!w.taken.empty()) w.taken.front().reset();
    attempt([&] { w.publish(false, 1); });
    w.check();
    // The bus goes on.
    faults::left = -1;
    int fresh_calls = 0;
    auto fresh = w.bus.subscribe([&](const tick&) { ++fresh_calls; }, tidings::async);
    w.publish(true, 3);
    w.accepted -= 1;  // of the newcomer, which is in no account of the world's
    w.loop.run();
    CHECK(fresh_calls == 1);
}

}  // namespace

TEST_CASE("user code throws at every entry, one after the other") {
    const int kept = part::living;
    int entries = 0;
    for (std::int64_t n = 1; n < 5'000; ++n) {
        bool happened = false;
        {
            const faults failing{n};
            small_program([](auto what) {
                try {
                    what();
                } catch (const std::runtime_error&) {}
            });
            happened = faults::happened;
        }
        REQUIRE(part::living == kept);
        if (!happened) break;
        ++entries;
    }
    CHECK(entries > 100);
}

TEST_CASE("the n-th allocation fails, in every operation of a program with queues") {
    if (!support::counts_allocations) return;
    const int kept = part::living;
    std::int64_t before = 0;
    int failures = 0;
    for (int operation = 0; operation < 20; ++operation) {
        for (const auto how : {support::failing::once, support::failing::from_then_on}) {
            for (std::int64_t n = 1; n < 200; ++n) {
                bool happened = false;
                int at = 0;
                small_program([&](auto what) {
                    std::optional<support::failing_allocation> failing;
                    if (at++ == operation) failing.emplace(n, how);
                    try {
                        what();
                    } catch (const std::bad_alloc&) {}
                    happened = happened || (failing && failing->happened());
                });
                REQUIRE(part::living == kept);
                if (!happened) break;
                ++failures;
            }
        }
        if (operation == 0) before = support::blocks_in_use.load();
    }
    CHECK(failures > 20);
    CHECK(support::blocks_in_use.load() < before + 1'000);  // what is recycled stays, but it does not grow
}

TEST_CASE("a timer or a mailbox that cannot be made leaves nothing behind, and the event is destroyed") {
    if (!support::counts_allocations) return;
    const int kept = part::living;
    int failures = 0;
    for (std::int64_t n = 1; n < 100; ++n) {
        bool happened = false;
        {
            tidings::bus bus;
            tidings::timer set;
            try {
                const support::failing_allocation failing{n, support::failing::once};
                struct look {
                    const support::failing_allocation& at;
                    bool& into;
                    ~look() { into = at.happened(); }
                } const looks{failing, happened};
                auto box = bus.mailbox<tick>("a name that is longer than a small string may be");
                set = bus.publish_after(std::chrono::hours{1}, tick{1},
                                        {.key = "a key that is longer than a small string may be"});
            } catch (const std::bad_alloc&) {
                CHECK_FALSE(set.pending());
                CHECK(part::living == kept);
            } catch (const tidings::error&) {
                CHECK(part::living == kept);
            }
            set.cancel();
        }
        CHECK(part::living == kept);
        if (!happened) break;
        ++failures;
    }
    CHECK(failures > 3);
}

namespace {

/// Runs `body(failing)` again and again, until no allocation fails any more; returns how many did. `failing(what)` runs
/// `what` on a new thread, which has no memory at hand, with its first, second, … allocation failing.
template <class Body>
int fail_in_new_threads(Body body) {
    int failures = 0;
    for (const auto how : {support::failing::once, support::failing::from_then_on}) {
        for (std::int64_t n = 1; n < 200; ++n) {
            bool happened = false;
            body([&](auto what) {
                std::thread{[&] {
                    const support::failing_allocation failing{n, how};
                    what();
                    happened = failing.happened();
                }}.join();
            });
            if (!happened) break;
            ++failures;
        }
    }
    return failures;
}

}  // namespace

TEST_CASE("an event whose time has come is published, or told to on_error, whatever allocation fails then") {
    if (!support::counts_allocations) return;
    const int kept = part::living;
    const std::string longer = "a key that is longer than a small string may be";
    const auto published = [&](bool queued) {
        int rung = 0;
        std::uint64_t told = 0;
        const int failures = fail_in_new_threads([&](auto failing) {
            rung = 0;
            told = 0;
            {
                tidings::manual_executor loop;
                tidings::bus bus{{.executor = loop, .on_error = [&](const tidings::handler_error&) { ++told; }}};
                tidings::subscription taken;
                const auto handler = [&](const tick&, const tidings::context& c) {
                    ++rung;
                    CHECK(c.key() == longer);
                };
                if (queued) taken = bus.subscribe(handler, tidings::async);
                else taken = bus.subscribe(handler);
                const tidings::timer set = bus.publish_after(std::chrono::nanoseconds{0}, tick{1}, {.key = longer});
                if (!loop.wait_for(std::chrono::minutes{1})) std::abort();
                failing([&] {
                    for (int n = 0; n != 10; ++n) loop.run_one();  // without memory it comes back again and again
                });
                loop.run();
                CHECK(rung + static_cast<int>(told) == 1);
                CHECK_FALSE(set.pending());
                CHECK(taken.stats().queued == 0);
            }
            CHECK(part::living == kept);
        });
        CHECK(failures > 1);
        CHECK((rung == 1 && told == 0));
    };
    published(false);
    published(true);
}

TEST_CASE("an event comes out of a mailbox, or is rejected, or not published, whatever allocation fails") {
    if (!support::counts_allocations) return;
    const int kept = part::living;
    constexpr std::uint64_t events = 40;  // the ring grows twice
    const int failures = fail_in_new_threads([&](auto failing) {
        {
            std::uint64_t told = 0;
            tidings::bus bus{{.on_error = [&](const tidings::handler_error&) { ++told; }}};
            auto box = bus.mailbox<tick>();
            std::uint64_t accepted = 0;
            std::uint64_t rejected = 0;
            std::uint64_t thrown = 0;
            std::uint64_t got = 0;
            failing([&] {
                for (std::uint64_t n = 0; n != events; ++n) {
                    try {
                        const auto result = bus.publish(tick{static_cast<int>(n)});
                        accepted += result.queued;
                        rejected += result.rejected;
                    } catch (const std::bad_alloc&) {
                        ++thrown;
                    }
                }
                while (const auto e = box.try_receive()) ++got;
            });
            while (const auto e = box.try_receive()) ++got;
            CHECK(accepted + rejected + thrown == events);
            CHECK(got == accepted);
            CHECK(told == rejected);
            CHECK(box.stats().delivered == accepted);
            CHECK(box.stats().rejected == rejected);
            CHECK(box.stats().queued == 0);
            CHECK(bus.publish(tick{1}).queued == 1);
        }
        CHECK(part::living == kept);
    });
    CHECK(failures > 5);
}

TEST_CASE("a pool that cannot be made leaves nothing, whatever allocation fails") {
    if (!support::counts_allocations) return;
    { const tidings::thread_pool first{2}; }  // what the process makes once
    const auto before = support::blocks_in_use.load();
    int refused = 0;
    const int failures = fail_in_new_threads([&](auto failing) {
        std::size_t size = 0;
        std::error_code why = tidings::errc::no_threads;
        failing([&] {
            try {
                const tidings::thread_pool pool{{.minimum = 2, .name = "a name that is longer than a small string"}};
                size = pool.size();
            } catch (const std::bad_alloc&) {
                ++refused;
            } catch (const tidings::error& e) {
                ++refused;
                why = e.code();
            }
        });
        CHECK((size == 2 || size == 0));
        CHECK(why == tidings::errc::no_threads);
    });
    CHECK(failures > 3);
    CHECK(refused > 3);
    CHECK(support::blocks_in_use.load() <= before);
}

TEST_CASE("a task is run or destroyed, once, whatever allocation fails when its pool starts a thread for it") {
    if (!support::counts_allocations) return;
    int run_without_failure = 0;
    const int failures = fail_in_new_threads([&](auto failing) {
        std::atomic<int> run{0};
        std::atomic<int> ended{0};
        support::flag later;
        tidings::thread_pool pool{{.minimum = 0, .maximum = 2}};
        std::vector<tidings::task> tasks;
        for (int n = 0; n != 3; ++n) tasks.emplace_back([&, end = support::at_end{[&] { ++ended; }}] { ++run; });
        failing([&] {
            for (auto& each : tasks) pool.post(std::move(each));
        });
        pool.post([&] { later.raise(); });  // there is memory again
        later.wait();
        support::wait_until([&] { return ended == 3; });
        run_without_failure = run;
    });
    CHECK(failures > 0);
    CHECK(run_without_failure == 3);
}
