// Ten million keys and ids go through a consumer that retries, keeps letters and leaves duplicates out: afterwards it
// takes no more memory than it did after the first.
#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/hand_clock.hpp"

#include <tidings/consumer/consumer.hpp>
#include <tidings/consumer/dead_letters.hpp>
#include <tidings/tidings.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>

namespace {

using namespace std::chrono_literals;

#if defined(__OPTIMIZE__) && !TIDINGS_HAS_TSAN && !TIDINGS_HAS_ASAN
constexpr std::uint64_t all_keys = 10'000'000;
#else
constexpr std::uint64_t all_keys = 200'000;
#endif
constexpr std::uint64_t first_keys = 10'000;

/// Each has a key of its own; an odd factor scatters them.
struct keyed {
    explicit keyed(std::uint64_t number) noexcept : n{number}, key{number * 0xD134'2543'DE82'EF95U} {}
    std::uint64_t n;
    std::uint64_t key;
};

struct memory {
    std::int64_t blocks = support::blocks_in_use.load();
    std::int64_t bytes = support::bytes_in_use.load();
};

constexpr bool fails_once(std::uint64_t n) { return n % 50 == 1; }
constexpr bool fails(std::uint64_t n) { return n % 100 == 2; }

struct world {
    explicit world(const tidings::consumer_options& options) : desk{bus, "desk", options} {}

    std::shared_ptr<support::hand_clock> clock = std::make_shared<support::hand_clock>();
    tidings::manual_executor loop;
    tidings::bus bus{
        {.executor = loop, .clock = tidings::clock_ref{clock}, .on_error = [](const tidings::handler_error&) {}}};
    tidings::consumer desk;
    std::uint64_t handled = 0;

    void handle(const keyed& e, const tidings::context& context) {
        if (fails(e.n) || (fails_once(e.n) && context.attempt() == 1)) throw std::runtime_error{"no"};
        ++handled;
    }
    void burst(std::uint64_t from) {
        for (std::uint64_t n = from; n != from + first_keys; ++n) bus.publish(keyed{n}, {.id = {1, n}});
        do loop.run();
        while (desk.stats().events.queued != 0 && clock->ring_next());
    }
};

/// After the first keys, and after all of them.
template <class Subscribe, class Meanwhile>
void stays_as_it_is(const tidings::consumer_options& options, Subscribe subscribe, Meanwhile meanwhile) {
    world w{options};
    subscribe(w);
    w.burst(0);
    w.burst(first_keys);
    meanwhile(w);
    const memory before;
    for (std::uint64_t n = 2 * first_keys; n != all_keys; n += first_keys) {
        w.burst(n);
        meanwhile(w);
    }
    const memory after;
    CHECK(w.handled >= all_keys / 100 * 99);
    CHECK(w.desk.stats().events.queued == 0);
    CHECK(w.desk.stats().retried >= all_keys / 50);
    CHECK(after.blocks <= before.blocks + 16);
    CHECK(after.bytes < before.bytes + 65'536);  // the C library rounds up, now this way, now that
}

auto by_key(tidings::async_delivery<> how) { return how.ordered_by(&keyed::key).capacity(first_keys); }

}  // namespace

TEST_CASE("keys that are retried leave no trace") {
    if (!support::counts_allocations) return;
    stays_as_it_is(
        {.retry = {.max_attempts = 2, .backoff = tidings::fixed(1s)}},
        [](world& w) { w.desk.on([&](const keyed& e, const tidings::context& c) { w.handle(e, c); }, by_key({})); },
        [](world&) {});
}

TEST_CASE("keys that had dead letters, and ids that were known, are forgotten") {
    if (!support::counts_allocations) return;
    tidings::dead_letters dead{{.capacity = 100, .when_full = tidings::full_of_letters::drop_oldest}};
    stays_as_it_is(
        {.retry = {.max_attempts = 2, .backoff = tidings::fixed(1s)},
         .dead_letters = dead,
         .later_events = tidings::behind_dead::park,
         .circuit_breaker = tidings::circuit_breaker_options{.failures = 50, .open_for = 1s},
         .guarantee = tidings::delivery_guarantee::effectively_once,
         .duplicates = {.max_ids = 1'000}},
        [](world& w) { w.desk.on([&](const keyed& e, const tidings::context& c) { w.handle(e, c); }, by_key({})); },
        [&](world& w) {
            dead.redrive_all();  // to fail once more
            w.loop.run();
            CHECK(dead.discard_all() <= 100);
            while (w.desk.stats().events.queued != 0 && w.clock->ring_next()) w.loop.run();
            dead.discard_all();
        });
    CHECK(dead.stats().dropped > 0);
    CHECK(dead.stats().redriven > 0);
}

// What is remembered of a dropped event goes when another has its address, which AddressSanitizer puts off.
#if !TIDINGS_HAS_ASAN
TEST_CASE("what a full queue drops while it is refused or sent again leaves no more than its place") {
    if (!support::counts_allocations) return;
    tidings::dead_letters dead{{.capacity = 1}};
    world w{{.retry = {.max_attempts = 1, .backoff = tidings::fixed(1h)}, .dead_letters = dead}};
    w.desk.on([](const keyed&) { throw std::runtime_error{"no"}; },
              tidings::async.capacity(1).when_full(tidings::overflow::drop_oldest));
    const auto some = [&](std::uint64_t from, std::uint64_t to) {
        for (std::uint64_t n = from; n != to; ++n) {
            w.bus.publish(keyed{n});
            w.loop.run();
        }
    };
    constexpr std::uint64_t of_all = 2 * first_keys + all_keys / 100;
    some(0, first_keys);
    const memory before;
    some(first_keys, of_all);
    const memory after;
    CHECK(w.desk.stats().unkept >= of_all - 1);
    CHECK(after.blocks <= before.blocks + 16);
    CHECK(after.bytes < before.bytes + 65'536);
}
#endif
