// A key takes memory only while it has events: after ten million of them there is no more than after the first.
#include "support/allocations.hpp"
#include "support/catch.hpp"

#include <tidings/tidings.hpp>

#include <atomic>
#include <cstdint>

namespace {

#if defined(__OPTIMIZE__) && !TIDINGS_HAS_TSAN && !TIDINGS_HAS_ASAN
constexpr std::uint64_t all_keys = 10'000'000;
#else
constexpr std::uint64_t all_keys = 200'000;
#endif
constexpr std::uint64_t first_keys = 10'000;

/// Each has a key of its own; an odd factor scatters them.
struct keyed {
    explicit keyed(std::uint64_t n) noexcept : key{n * 0xD134'2543'DE82'EF95U} {}
    std::uint64_t key;
};

struct memory {
    std::int64_t blocks = support::blocks_in_use.load();
    std::int64_t bytes = support::bytes_in_use.load();
};

}  // namespace

TEST_CASE("keys that come in bursts leave no trace") {
    if (!support::counts_allocations) return;
    tidings::manual_executor loop;
    tidings::bus bus{{.executor = loop}};
    std::uint64_t handled = 0;
    auto taken =
        bus.subscribe([&](const keyed&) { ++handled; }, tidings::async.ordered_by(&keyed::key).capacity(first_keys));
    const auto burst = [&](std::uint64_t from) {
        for (std::uint64_t n = from; n != from + first_keys; ++n) bus.publish(keyed{n});
        loop.run();
    };
    burst(0);
    const memory before;
    for (std::uint64_t n = first_keys; n != all_keys; n += first_keys) burst(n);
    const memory after;
    CHECK(handled == all_keys);
    CHECK(after.blocks <= before.blocks);
    CHECK(after.bytes < before.bytes + 65'536);  // the C library rounds up, now this way, now that
}

TEST_CASE("keys that stream through a pool leave no trace") {
    if (!support::counts_allocations) return;
    tidings::thread_pool pool{2};
    tidings::bus bus{{.executor = pool}};
    std::atomic<std::uint64_t> handled{0};
    auto taken = bus.subscribe([&](const keyed&) { handled.fetch_add(1, std::memory_order_relaxed); },
                               tidings::async.ordered_by(&keyed::key));
    const auto stream = [&](std::uint64_t from, std::uint64_t to) {
        for (std::uint64_t n = from; n != to; ++n) bus.publish(keyed{n});
        bus.drain();
    };
    stream(0, first_keys);
    const memory before;
    stream(first_keys, all_keys);
    const memory after;
    CHECK(handled.load() == all_keys);
    // What goes round between threads may still be on its way up: 2,048 blocks of each of three sizes in the depot,
    // and 256 with each thread.
    constexpr std::int64_t going_round = 3 * (2'048 + 3 * 256);
    CHECK(after.blocks - before.blocks < going_round);
    CHECK(after.bytes - before.bytes < going_round * 256);
}
