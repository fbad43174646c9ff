// Consumers when the n-th allocation fails, for every n: an operation is whole or not at all, every event that was
// accepted has one end (handled, or a dead letter), no more attempts than were said, nothing leaks, and the bus goes
// on.
#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/hand_clock.hpp"

#include <tidings/consumer/consumer.hpp>
#include <tidings/consumer/dead_letters.hpp>
#include <tidings/tidings.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace {

using namespace std::chrono_literals;

constexpr int kinds = 4;
enum kind : int { fine, fails_twice, fails, fails_for_good };

struct job {
    static inline int living = 0;

    job(int number, int of_key) : n{number}, key{of_key} { ++living; }
    job(const job& other) noexcept : n{other.n}, key{other.key} { ++living; }
    job& operator=(const job&) = delete;
    ~job() { --living; }

    int n;
    int key;
};
struct tag {
    int n;
};

constexpr int jobs = 12;
constexpr unsigned max_attempts = 3;

enum class shape { plain, careful, parking };

struct world {
    explicit world(shape of) : how{of} {}

    const shape how;
    std::shared_ptr<support::hand_clock> clock = std::make_shared<support::hand_clock>();
    tidings::manual_executor loop;
    tidings::bus bus{
        {.executor = loop, .clock = tidings::clock_ref{clock}, .on_error = [](const tidings::handler_error&) {}}};
    tidings::dead_letters dead{{.capacity = 3}};
    std::array<unsigned, jobs> calls{};    // since it was published, or sent again
    std::array<unsigned, jobs> handled{};  // times
    std::array<unsigned, jobs> accepted{};
    bool works = false;
    bool too_often = false;
    std::uint64_t ids = 1;

    struct listener {
        using listens_to = tidings::events<job, tag>;
        world* home;
        void on(const job& j) const { home->handle(j); }
        void on(const tag&) const {}
    } listens{this};

    void handle(const job& j) {
        const auto n = static_cast<std::size_t>(j.n);
        too_often = ++calls.at(n) > max_attempts || too_often;
        const int what = j.n % kinds;
        if (!works && (what == fails || (what == fails_twice && calls.at(n) < 3)))
            throw std::runtime_error{"a text that is longer than a small string may be"};
        if (!works && what == fails_for_good) throw tidings::permanent_failure{"and another one that is as long"};
        ++handled.at(n);
    }

    tidings::consumer_options options() {
        tidings::consumer_options made{.retry = {.max_attempts = max_attempts, .backoff = tidings::fixed(1s)},
                                       .dead_letters = dead};
        if (how == shape::careful) {
            made.time_limit = 1h;
            made.circuit_breaker = tidings::circuit_breaker_options{.failures = 3, .open_for = 10s};
            made.concurrency = 1;
            made.guarantee = tidings::delivery_guarantee::effectively_once;
        }
        if (how == shape::parking) made.later_events = tidings::behind_dead::park;
        return made;
    }

    void publish(int n) {
        const job event{n, n / 4};
        const auto result = bus.publish(event, {.id = {7, ids + static_cast<std::uint64_t>(n)}});
        accepted.at(static_cast<std::size_t>(n)) += result.queued;
    }

    /// Without memory some come back again and again.
    void run_some() {
        for (int n = 0; n != 60 && loop.run_one(); ++n) {}
    }
    /// What the dead letters refuse is offered again, without end.
    void run_all() {
        loop.run();
        for (int rings = 0; rings != 40 && clock->ring_next(); ++rings) loop.run();
    }
};

/// Everything that can fail. What throws stands in `attempt`.
template <class Attempt>
void small_program(shape how, Attempt attempt) {
    world w{how};
    std::optional<tidings::consumer> other;
    std::optional<tidings::consumer> desk;
    attempt([&] { desk.emplace(w.bus, "a name that is longer than a small string", w.options()); });
    if (!desk) desk.emplace(w.bus, "desk", w.options());
    bool subscribed = false;
    attempt([&] {
        desk->on(w.listens, tidings::async.ordered_by([](const auto& e) {
            if constexpr (std::is_same_v<std::decay_t<decltype(e)>, job>) return e.key;
            else return 0;
        }));
        subscribed = true;
    });
    if (!subscribed) {
        // Not at all: nobody takes either event.
        CHECK(w.bus.publish(tag{1}).queued == 0);
        CHECK(w.bus.publish(job{0, 0}).queued == 0);
        desk->on([&w](const job& j) { w.handle(j); }, tidings::async.ordered_by(&job::key));
    }
    attempt([&] {
        other.emplace(w.bus, "other");
        other->on([](const job&) {}, tidings::async.concurrency(2));
    });
    other.reset();
    for (int n = 0; n != jobs; ++n) attempt([&] { w.publish(n); });
    for (int round = 0; round != 18; ++round) {
        attempt([&] { w.run_some(); });
        w.clock->ring_next();
    }
    if (how == shape::careful) {
        for (int n = 0; n < 3; ++n) {
            const auto before = w.handled.at(static_cast<std::size_t>(n));
            attempt([&] {
                w.publish(n);
                w.run_some();
            });
            support::allocations_left = -1;
            w.run_all();
            if (before != 0) CHECK(w.handled.at(static_cast<std::size_t>(n)) == before);
            auto& accepted = w.accepted.at(static_cast<std::size_t>(n));
            accepted = std::min(accepted, 1U);  // the others were known
        }
    }
    attempt([&] {
        if (const auto letters = w.dead.list({}, 1); !letters.empty()) {
            const auto n = static_cast<std::size_t>(letters.front().event.get_if<job>()->n);
            w.calls.at(n) = 0;
            w.dead.redrive(letters.front().id);
        }
    });
    attempt([&] { w.run_some(); });
    support::allocations_left = -1;

    // The bus goes on: in the end all is handled, once.
    w.works = true;
    for (int round = 0; round != 40; ++round) {
        w.run_all();
        for (const auto& each : w.dead.list()) {
            const auto n = static_cast<std::size_t>(each.event.get_if<job>()->n);
            CHECK(each.attempts <= static_cast<int>(max_attempts));
            w.calls.at(n) = 0;
            CHECK(w.dead.redrive(each.id));
        }
    }
    w.run_all();
    CHECK(w.dead.empty());
    CHECK_FALSE(w.too_often);
    CHECK(w.handled == w.accepted);
    const auto stats = desk->stats().events;
    CHECK(stats.queued == 0);
    CHECK(stats.discarded == 0);
    w.works = true;
    w.ids = 1'000;
    const auto before = w.handled[0];
    w.publish(0);
    w.run_all();
    CHECK(w.handled[0] == before + 1);
}

}  // namespace

TEST_CASE("the n-th allocation fails, in every operation of a program with consumers") {
    if (!support::counts_allocations) return;
    const int kept = job::living;
    for (const shape how : {shape::plain, shape::careful, shape::parking}) {
        std::int64_t before = 0;
        int failures = 0;
        for (int operation = 0;; ++operation) {
            int operations = 0;
            for (const auto lasting : {support::failing::once, support::failing::from_then_on}) {
                for (std::int64_t n = 1; n < 500; ++n) {
                    bool happened = false;
                    int at = 0;
                    INFO("shape " << static_cast<int>(how) << ", operation " << operation << ", allocation " << n
                                  << (lasting == support::failing::once ? "" : " and all later"));
                    small_program(how, [&](auto what) {
                        std::optional<support::failing_allocation> failing;
                        if (at++ == operation) failing.emplace(n, lasting);
                        try {
                            what();
                        } catch (const std::bad_alloc&) {}
                        happened = happened || (failing && failing->happened());
                    });
                    operations = at;
                    REQUIRE(job::living == kept);
                    if (!happened) break;
                    ++failures;
                }
            }
            if (operation == 0) before = support::blocks_in_use.load();
            if (operation == operations) break;
        }
        CHECK(failures > 50);
        CHECK(support::blocks_in_use.load() < before + 1'000);  // what is recycled stays, but it does not grow
    }
}

TEST_CASE("what a full store refuses is not tried again, whatever allocation fails then") {
    if (!support::counts_allocations) return;
    int failures = 0;
    for (const auto lasting : {support::failing::once, support::failing::from_then_on}) {
        for (std::int64_t n = 1; n < 100; ++n) {
            bool happened = false;
            world w{shape::plain};
            tidings::dead_letters full{{.capacity = 1}};
            tidings::consumer desk{w.bus, "desk", {.retry = {.max_attempts = 1}, .dead_letters = full}};
            int calls = 0;
            desk.on([&](const job&) {
                ++calls;
                throw std::runtime_error{"a text that is longer than a small string may be"};
            });
            w.publish(0);
            w.run_all();
            w.publish(1);
            {
                const support::failing_allocation failing{n, lasting};
                w.run_some();
                happened = failing.happened();
            }
            w.run_all();
            CHECK(calls == 2);
            CHECK(full.discard(full.list().front().id));
            w.run_all();
            REQUIRE(full.size() == 1);
            CHECK(full.list().front().attempts == 1);
            CHECK(calls == 2);
            if (!happened) break;
            ++failures;
        }
    }
    CHECK(failures > 5);
}
