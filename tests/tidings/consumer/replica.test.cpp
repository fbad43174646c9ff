// One file of the program replaces operator new.
#include "support/allocations.hpp"

#include "support/catch.hpp"
#include "support/waiting.hpp"

#include <tidings/consumer/replica.hpp>
#include <tidings/testing/simulation.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <limits>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using tidings::apply_result;
using tidings::in_sequence;
using tidings::replica;
using tidings::replica_options;

constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();

template <class V>
using pointer = std::shared_ptr<const V>;

template <class R>
std::string text(const R& r, int key) {
    const auto found = r.find(key);
    return found != nullptr ? *found : "-";
}

/// "1:-a 1:ab " for what a change handler is told.
struct story {
    std::string words;
    auto handler() {
        return [this](int key, const pointer<std::string>& before, const pointer<std::string>& after) {
            words += std::to_string(key) + ':' + (before ? *before : "-") + (after ? *after : "-") + ' ';
        };
    }
};

/// Throws when it is moved or copied, if it is told to.
struct fragile {
    fragile() = default;
    fragile(const fragile&) { begin(); }
    fragile(fragile&&) { begin(); }  // NOLINT(*noexcept-move*): on purpose
    fragile& operator=(const fragile&) = delete;
    ~fragile() = default;
    static void begin() {
        if (throws) throw std::runtime_error{"moved"};
    }
    static inline bool throws = false;
};

/// A key of which all hashes are equal, and whose comparison throws if it is told to.
struct clumsy {
    int number = 0;
    friend bool operator==(const clumsy& a, const clumsy& b) {
        if (throws) throw std::runtime_error{"compared"};
        return a.number == b.number;
    }
    static inline bool throws = false;
};

}  // namespace

template <>
struct std::hash<clumsy> {
    std::size_t operator()(const clumsy&) const noexcept { return 7; }
};

TEST_CASE("an update is applied once, and a later version wins") {
    replica<int, std::string> customers;
    CHECK(customers.find(1) == nullptr);
    CHECK(customers.siblings(1).empty());
    CHECK(customers.apply({.key = 1, .version = 5, .value = "a"}) == apply_result::applied);
    CHECK(customers.apply({1, 5, "a"}) == apply_result::duplicate);
    CHECK(customers.apply({1, 4, "old"}) == apply_result::stale);
    CHECK(text(customers, 1) == "a");
    CHECK(customers.apply({1, 9, "b"}) == apply_result::applied);
    CHECK(text(customers, 1) == "b");
    CHECK(customers.apply({2, 0, "zero"}) == apply_result::applied);
    CHECK(customers.apply({2, most, "last"}) == apply_result::applied);
    CHECK(customers.apply({2, most, "last"}) == apply_result::duplicate);
    CHECK(customers.apply({2, 0, "zero"}) == apply_result::stale);
    CHECK(text(customers, 2) == "last");
    const auto stats = customers.stats();
    CHECK(stats.values == 2);
    CHECK(stats.applied == 4);
    CHECK(stats.duplicates == 2);
    CHECK(stats.stale == 2);
    CHECK(stats.offered == 8);
    CHECK(stats.accounted() == stats.offered);
}

TEST_CASE("a value that is held is not changed by what comes later") {
    replica<int, std::string> customers;
    customers.apply({1, 1, "a"});
    const auto held = customers.find(1);
    customers.apply({1, 2, "b"});
    customers.remove(1, 3);
    CHECK(*held == "a");
}

TEST_CASE("a value need only be movable, and a key, too") {
    replica<std::unique_ptr<int>, std::unique_ptr<int>> odd;
    int n = 1;
    auto* const address = new int{2};
    CHECK(odd.apply({std::unique_ptr<int>{address}, 1, std::make_unique<int>(n)}) == apply_result::applied);
    CHECK(odd.apply({nullptr, 1, nullptr}) == apply_result::applied);
    CHECK(odd.stats().values == 2);
}

TEST_CASE("a removal is a version, and what is older does not bring the key back") {
    replica<int, std::string> customers;
    customers.apply({1, 1, "a"});
    CHECK(customers.remove(1, 3) == apply_result::applied);
    CHECK(customers.remove(1, 3) == apply_result::duplicate);
    CHECK(customers.apply({1, 2, "late"}) == apply_result::stale);
    CHECK(customers.find(1) == nullptr);
    REQUIRE(customers.siblings(1).size() == 1);
    CHECK(customers.siblings(1)[0].version == 3);
    CHECK(customers.siblings(1)[0].value == nullptr);
    CHECK(customers.stats().tombstones == 1);
    CHECK(customers.stats().values == 0);
    CHECK(customers.apply({1, 4, "again"}) == apply_result::applied);
    CHECK(text(customers, 1) == "again");
    CHECK(customers.stats().tombstones == 0);
    CHECK(customers.stats().forgotten == 0);

    CHECK(customers.remove(2, 2) == apply_result::applied);  // it comes before what it removes
    CHECK(customers.apply({2, 1, "late"}) == apply_result::stale);
    CHECK(customers.find(2) == nullptr);
}

TEST_CASE("tombstones are bounded in number, and the oldest are forgotten first") {
    replica<int, std::string> customers{{.tombstones = 2}};
    for (int key = 1; key <= 3; ++key) customers.remove(key, 5);
    customers.remove(2, 6);  // it is the newest now
    customers.remove(4, 5);
    CHECK(customers.stats().tombstones == 2);
    CHECK(customers.stats().forgotten == 2);
    CHECK(customers.apply({2, 5, "late"}) == apply_result::stale);
    CHECK(customers.apply({4, 1, "late"}) == apply_result::stale);
    CHECK(customers.apply({1, 1, "late"}) == apply_result::applied);  // that is the price
    CHECK(customers.apply({3, 1, "late"}) == apply_result::applied);
    CHECK(customers.stats().accounted() == customers.stats().offered);

    replica<int, std::string> none{{.tombstones = 0}};
    none.apply({1, 1, "a"});
    none.remove(1, 2);
    CHECK(none.siblings(1).empty());
    CHECK(none.stats().forgotten == 1);
}

TEST_CASE("tombstones are forgotten when they are too old, by the replica's clock") {
    tidings::testing::simulation sim{1};
    replica<int, std::string> customers{{.tombstone_age = 1h, .clock = sim.clock()}};
    for (int key = 1; key <= 10; ++key) customers.remove(key, 5);
    sim.advance(1h - 1ns);
    CHECK(customers.forget() == 0);
    CHECK(customers.apply({1, 1, "late"}) == apply_result::stale);
    customers.remove(1, 6);  // its time begins anew
    sim.advance(1ns);
    customers.apply({100, 1, "other"});
    CHECK(customers.stats().forgotten == 2);
    CHECK(customers.forget() == 7);
    CHECK(customers.apply({1, 5, "late"}) == apply_result::stale);
    CHECK(customers.apply({2, 1, "late"}) == apply_result::applied);
}

TEST_CASE("ages beyond all time, and a clock that goes backwards, forget nothing too early and break nothing") {
    struct wild_clock final : tidings::detail::clock_port {
        std::chrono::steady_clock::time_point time = std::chrono::steady_clock::time_point::max();
        std::chrono::steady_clock::time_point now() const noexcept override { return time; }
        std::chrono::system_clock::time_point system_now() const noexcept override { return {}; }
        void call_at(tidings::detail::alarm&, std::chrono::steady_clock::time_point) override {}
        bool cancel(tidings::detail::alarm&) noexcept override { return false; }
    };
    const auto wild = std::make_shared<wild_clock>();
    const auto age = GENERATE(std::chrono::steady_clock::duration::max(), std::chrono::steady_clock::duration{1});
    replica<int, std::string> customers{{.tombstone_age = age, .clock = tidings::clock_ref{wild}}};
    customers.remove(1, 5);
    wild->time = std::chrono::steady_clock::time_point::min();
    customers.remove(2, 5);
    CHECK(customers.apply({1, 4, "late"}) == apply_result::stale);
    CHECK(customers.apply({2, 4, "late"}) == apply_result::stale);

    replica<int, std::string> hasty{
        {.tombstone_age = std::chrono::steady_clock::duration::min(), .clock = tidings::clock_ref{wild}}};
    hasty.remove(1, 5);
    CHECK(hasty.stats().tombstones == 0);
}

TEST_CASE("keys with a value are bounded, and a full replica says so and goes on") {
    replica<int, std::string> customers{{.capacity = 2}};
    customers.apply({1, 1, "a"});
    customers.apply({2, 1, "b"});
    CHECK(customers.apply({3, 1, "c"}) == apply_result::full);
    CHECK(customers.find(3) == nullptr);
    CHECK(customers.siblings(3).empty());
    CHECK(customers.apply({2, 2, "B"}) == apply_result::applied);
    CHECK(customers.remove(3, 2) == apply_result::applied);
    CHECK(customers.apply({3, 3, "c"}) == apply_result::full);  // a tombstone is no value
    customers.remove(1, 2);
    CHECK(customers.apply({3, 3, "c"}) == apply_result::applied);
    CHECK(customers.stats().full == 2);
    CHECK(customers.stats().accounted() == customers.stats().offered);
    replica<int, std::string> nothing{{.capacity = 0}};
    CHECK(nothing.apply({1, 1, "a"}) == apply_result::full);
}

TEST_CASE("ten million distinct keys leave the memory at its bound") {
    if (!support::counts_allocations) return;
#if TIDINGS_HAS_ASAN || TIDINGS_HAS_TSAN || !defined(__OPTIMIZE__)
    constexpr int many = 300'000;
#else
    constexpr int many = 10'000'000;
#endif
    replica<int, int> values{{.capacity = 100, .tombstones = 100}};
    replica<int, int, in_sequence> held{{.tombstones = 100, .held = 100, .held_per_key = 3}};
    const auto offer = [&](int key) {
        values.apply({key, 1, key});
        values.remove(key + many, 1);
        held.apply({key, 3, key});
        held.remove(key, 1);
    };
    for (int key = 0; key < 1'000; ++key) offer(key);
    const std::int64_t bytes = support::bytes_in_use;
    const std::int64_t blocks = support::blocks_in_use;
    for (int key = 1'000; key < many; ++key) offer(key);
    CHECK(support::blocks_in_use <= blocks + 500);
    CHECK(support::bytes_in_use <= bytes + 50'000);
    CHECK(values.stats().values == 100);
    CHECK(values.stats().tombstones == 100);
    CHECK(held.stats().held <= 100);
    CHECK(held.stats().accounted() == held.stats().offered);
    CHECK(values.stats().accounted() == values.stats().offered);
}

TEST_CASE("keys with equal hashes are kept apart") {
    replica<clumsy, int> all;
    for (int n = 0; n < 50; ++n) CHECK(all.apply({{n}, 1, n}) == apply_result::applied);
    for (int n = 0; n < 50; n += 2) all.remove({n}, 2);
    for (int n = 0; n < 50; ++n) {
        const auto found = all.find({n});
        CHECK((found != nullptr) == (n % 2 == 1));
        if (found != nullptr) CHECK(*found == n);
    }
    CHECK(all.find({50}) == nullptr);
    CHECK(all.snapshot().entries.size() == 50);
}

// --- In sequence
// -------------------------------------------------------------------------------------------------------

TEST_CASE("in sequence, a version waits for those before it, and the handler sees each") {
    story told;
    replica<int, std::string, in_sequence> customers{{}, told.handler()};
    CHECK(customers.apply({1, 3, "c"}) == apply_result::held);
    CHECK(customers.apply({1, 3, "c"}) == apply_result::duplicate);
    CHECK(customers.find(1) == nullptr);
    CHECK(customers.remove(1, 4) == apply_result::held);
    CHECK(customers.apply({1, 6, "f"}) == apply_result::held);
    CHECK(customers.apply({1, 0, "before the first"}) == apply_result::stale);
    CHECK(customers.apply({1, 1, "a"}) == apply_result::applied);
    CHECK(text(customers, 1) == "a");
    CHECK(customers.stats().held == 3);
    CHECK(customers.apply({1, 2, "b"}) == apply_result::applied);
    CHECK(customers.find(1) == nullptr);
    CHECK(customers.stats().held == 1);
    CHECK(customers.apply({1, 2, "b"}) == apply_result::stale);
    CHECK(customers.apply({1, 4, "d"}) == apply_result::duplicate);
    CHECK(customers.apply({1, 5, "e"}) == apply_result::applied);
    CHECK(text(customers, 1) == "f");
    CHECK(told.words == "1:-a 1:ab 1:bc 1:c- 1:-e 1:ef ");
    const auto stats = customers.stats();
    CHECK(stats.held == 0);
    CHECK(stats.applied == 6);
    CHECK(stats.tombstones == 0);
    CHECK(stats.accounted() == stats.offered);
}

TEST_CASE("what is held is bounded, for a key and in all") {
    replica<int, std::string, in_sequence> customers{{.held = 3, .held_per_key = 2}};
    CHECK(customers.apply({1, 3, "c"}) == apply_result::held);
    CHECK(customers.apply({1, most, "z"}) == apply_result::held);
    CHECK(customers.apply({1, 4, "d"}) == apply_result::gap);
    CHECK(customers.apply({2, 2, "b"}) == apply_result::held);
    CHECK(customers.apply({3, 2, "b"}) == apply_result::gap);
    CHECK(customers.siblings(3).empty());
    CHECK(customers.apply({2, 1, "a"}) == apply_result::applied);
    CHECK(customers.apply({3, 2, "b"}) == apply_result::held);
    CHECK(customers.stats().gaps == 2);
    CHECK(customers.stats().accounted() == customers.stats().offered);
}

TEST_CASE("the last version there is has no one after it") {
    replica<int, std::string, in_sequence> customers;
    replica<int, std::string, in_sequence>::snapshot_type far;
    far.entries.push_back({1, {{most - 1, std::make_shared<const std::string>("y")}}, {}});
    CHECK(customers.load(far) == 0);
    CHECK(customers.apply({1, most, "z"}) == apply_result::applied);
    CHECK(customers.apply({1, most, "z"}) == apply_result::duplicate);
    CHECK(customers.apply({1, 0, "overflown"}) == apply_result::stale);
    CHECK(customers.apply({1, 1, "overflown"}) == apply_result::stale);
    CHECK(text(customers, 1) == "z");
}

TEST_CASE("where there is no room for what was held it is held still, and comes with the next update") {
    replica<int, std::string, in_sequence> customers{{.capacity = 1}};
    customers.apply({1, 1, "a"});
    customers.apply({2, 2, "b"});
    CHECK(customers.remove(2, 1) == apply_result::applied);
    CHECK(customers.stats().held == 1);
    customers.remove(1, 2);
    CHECK(customers.apply({2, 2, "b"}) == apply_result::duplicate);
    CHECK(text(customers, 2) == "b");
    CHECK(customers.stats().held == 0);
    CHECK(customers.stats().accounted() == customers.stats().offered);
}

TEST_CASE("a tombstone that is forgotten takes what is held along, counted") {
    replica<int, std::string, in_sequence> customers{{.tombstones = 1}};
    customers.remove(1, 1);
    customers.apply({1, 3, "c"});
    customers.remove(2, 1);
    const auto stats = customers.stats();
    CHECK(stats.discarded == 1);
    CHECK(stats.held == 0);
    CHECK(stats.accounted() == stats.offered);
}

// --- Snapshots
// ---------------------------------------------------------------------------------------------------------

TEST_CASE("a newcomer loads a snapshot and goes on, with nothing lost and nothing twice") {
    story told;
    replica<int, std::string, in_sequence> old;
    replica<int, std::string, in_sequence> fresh{{}, told.handler()};
    old.apply({1, 1, "a"});
    old.apply({2, 1, "x"});
    old.remove(2, 2);
    old.apply({1, 4, "d"});  // before the newcomer came: it is in the snapshot alone
    fresh.apply({1, 3, "c"});
    fresh.apply({2, 3, "z"});
    const auto snapshot = old.snapshot();
    CHECK(fresh.load(snapshot) == 0);
    CHECK(text(fresh, 1) == "a");
    CHECK(text(fresh, 2) == "z");  // held until the removal was there
    CHECK(fresh.apply({1, 2, "b"}) == apply_result::applied);
    CHECK(text(fresh, 1) == "d");
    CHECK(told.words == "1:-a 2:-z 1:ab 1:bc 1:cd ");
    CHECK(fresh.load(snapshot) == 0);  // once more: nothing new
    CHECK(text(fresh, 1) == "d");
    CHECK(fresh.apply({2, 1, "late"}) == apply_result::stale);
    CHECK(fresh.stats().accounted() == fresh.stats().offered);
}

TEST_CASE("a snapshot that is ahead closes gaps, and what was held before it is stale") {
    replica<int, std::string, in_sequence> late;
    late.apply({1, 3, "c"});
    late.apply({1, 5, "e"});
    late.apply({1, 7, "g"});
    replica<int, std::string, in_sequence>::snapshot_type ahead;
    ahead.entries.push_back({1, {{5, std::make_shared<const std::string>("E")}}, {}});
    CHECK(late.load(ahead) == 0);
    CHECK(text(late, 1) == "E");
    CHECK(late.stats().held == 1);
    CHECK(late.stats().stale == 2);
    CHECK(late.apply({1, 6, "f"}) == apply_result::applied);
    CHECK(text(late, 1) == "g");
    CHECK(late.stats().accounted() == late.stats().offered);
}

TEST_CASE("what of a snapshot finds no room is counted and said") {
    replica<int, std::string> old;
    for (int key = 0; key < 5; ++key) old.apply({key, 1, "v"});
    replica<int, std::string> small{{.capacity = 3}};
    CHECK(small.load(old.snapshot()) == 2);
    CHECK(small.stats().full == 2);
}

TEST_CASE("a snapshot shares the values, and does not change with its replica") {
    replica<int, std::string> old;
    old.apply({1, 1, "a"});
    const auto snapshot = old.snapshot();
    CHECK(snapshot.entries.at(0).siblings.at(0).value == old.find(1));
    old.apply({1, 2, "b"});
    CHECK(*snapshot.entries.at(0).siblings.at(0).value == "a");
}

// --- Change handlers
// ---------------------------------------------------------------------------------------------------

TEST_CASE("the handler is told of changes, and of nothing else") {
    story told;
    replica<int, std::string> customers{{}, told.handler()};
    customers.apply({1, 1, "a"});
    customers.apply({1, 1, "a"});
    customers.apply({1, 3, "b"});
    customers.apply({1, 2, "late"});
    customers.remove(2, 1);  // there was nothing
    customers.remove(1, 4);
    customers.apply({1, 5, "c"});
    CHECK(told.words == "1:-a 1:ab 1:b- 1:-c ");
    CHECK(customers.stats().told == 4);
}

TEST_CASE("a handler may change the key it is told of, and is told of that afterwards") {
    story told;
    int depth = 0;
    std::optional<replica<int, std::string>> customers;
    customers.emplace(replica_options{}, [&](int key, const auto& before, const auto& after) {
        CHECK(++depth == 1);
        if (*after == "a") {
            customers->apply({key, 2, "b"});
            customers->apply({key, 3, "c"});
            CHECK(text(*customers, key) == "c");
        }
        told.handler()(key, before, after);
        --depth;
    });
    customers->apply({1, 1, "a"});
    CHECK(told.words == "1:-a 1:ac ");
}

TEST_CASE("a handler that throws is counted and reported, and the change stands") {
    std::string reported;
    replica<int, std::string> customers{{.on_failure =
                                             [&](const std::exception_ptr& thrown) {
                                                 try {
                                                     std::rethrow_exception(thrown);
                                                 } catch (const std::runtime_error& e) {
                                                     reported += e.what();
                                                 }
                                                 throw 1;
                                             }},
                                        [](int, const auto&, const auto&) { throw std::runtime_error{"handler"}; }};
    CHECK(customers.apply({1, 1, "a"}) == apply_result::applied);
    CHECK(customers.apply({1, 2, "b"}) == apply_result::applied);
    CHECK(text(customers, 1) == "b");
    CHECK(reported == "handlerhandler");
    CHECK(customers.stats().failed == 2);
    CHECK(customers.stats().told == 2);
}

TEST_CASE("a handler may destroy the replica, and nobody is told of anything any more") {
    int calls = 0;
    auto capture = std::make_shared<int>(0);
    const std::weak_ptr<int> watch = capture;
    std::optional<replica<int, std::string, in_sequence>> customers;
    customers.emplace(replica_options{}, [&, kept = std::move(capture)](int key, const auto&, const auto& after) {
        ++calls;
        customers->apply({key, 4, "d"});
        customers.reset();
        CHECK(*after == "a");
        CHECK(*kept == 0);
    });
    customers->apply({1, 2, "b"});
    customers->apply({1, 3, "c"});
    CHECK(customers->apply({1, 1, "a"}) == apply_result::applied);
    CHECK(calls == 1);
    CHECK(watch.expired());

    customers.emplace(replica_options{}, [&](int, const auto&, const auto&) { customers.reset(); });
    replica<int, std::string, in_sequence>::snapshot_type two;
    for (int key = 0; key < 2; ++key) two.entries.push_back({key, {{1, std::make_shared<const std::string>("a")}}, {}});
    CHECK(customers->load(two) == 0);
    CHECK_FALSE(customers);
}

TEST_CASE("a key that is forgotten while it is told of is told of by one thread still") {
    std::string words;
    std::optional<replica<int, std::string>> customers;
    int depth = 0;
    customers.emplace(replica_options{.tombstones = 0}, [&](int key, const auto& before, const auto& after) {
        if (++depth == 1 && key == 1 && after == nullptr) customers->apply({1, 5, "again"});
        words += std::to_string(depth) + (before ? *before : "-") + (after ? *after : "-") + ' ';
        --depth;
    });
    customers->apply({1, 1, "a"});
    customers->remove(1, 2);
    CHECK(words == "1-a 1a- 1-again ");
    customers->remove(1, 6);
    CHECK(customers->siblings(1).empty());
    CHECK(customers->stats().forgotten == 2);
    CHECK(customers->stats().tombstones == 0);
}

// --- What fails
// --------------------------------------------------------------------------------------------------------

TEST_CASE("what throws leaves the replica as it was") {
    replica<int, fragile> values;
    values.apply({1, 1, fragile{}});
    const auto before = values.stats();
    replica<int, fragile>::update next{1, 2, std::nullopt};
    next.value.emplace();
    fragile::throws = true;
    CHECK_THROWS_AS(values.apply(next), std::runtime_error);
    fragile::throws = false;
    CHECK(values.stats() == before);
    CHECK(values.siblings(1).at(0).version == 1);

    replica<clumsy, int> keys;
    keys.apply({{1}, 1, 1});
    clumsy::throws = true;
    CHECK_THROWS_AS(keys.apply({{1}, 2, 2}), std::runtime_error);
    CHECK_THROWS_AS(keys.find({1}), std::runtime_error);
    clumsy::throws = false;
    CHECK(*keys.find({1}) == 1);
    CHECK(keys.stats().offered == 1);
}

TEST_CASE("without memory an update throws and has changed nothing, whichever allocation fails") {
    if (!support::counts_allocations) return;
    using store = replica<int, std::string, in_sequence>;
    const std::string words(100, 'x');
    for (std::int64_t n = 1;; ++n) {
        store customers{{.tombstones = 1}, [](int, const auto&, const auto&) {}};
        customers.apply({1, 1, words});
        customers.apply({1, 3, words});
        customers.remove(2, 1);
        store::update updates[] = {{1, 2, words}, {3, 2, words}, {3, 1, words}, {1, 4, std::nullopt}};
        bool failed = false;
        for (auto& each : updates) {
            const auto before = customers.stats();
            bool threw = false;
            {
                const support::failing_allocation failing{n, support::failing::once};
                try {
                    customers.apply(std::move(each));
                } catch (const std::bad_alloc&) {
                    threw = true;
                }
                failed = failed || failing.happened();
            }
            if (threw) REQUIRE(customers.stats() == before);
            REQUIRE(customers.stats().accounted() == customers.stats().offered);
        }
        if (!failed) break;
    }
}

TEST_CASE("finding allocates nothing") {
    if (!support::counts_allocations) return;
    replica<int, std::string> customers;
    customers.apply({1, 1, std::string(100, 'x')});
    const auto before = support::allocated_here;
    for (int n = 0; n < 10; ++n) static_cast<void>(customers.find(n));
    const auto after = support::allocated_here;
    CHECK(after == before);
}

// --- Threads
// -----------------------------------------------------------------------------------------------------------

TEST_CASE("readers see whole values, and never an older one than before") {
    struct pair_of {
        std::uint64_t one = 0;
        std::uint64_t other = 0;
    };
    replica<int, pair_of> values;
    constexpr std::uint64_t last = 20'000;
    std::atomic<int> torn{0};
    const auto read = [&] {
        for (std::uint64_t seen = 0; seen != last;) {
            const auto found = values.find(1);
            if (found == nullptr) continue;
            if (found->one != found->other || found->one < seen) ++torn;
            seen = found->one;
        }
    };
    std::thread one{read};
    std::thread other{read};
    for (std::uint64_t n = 1; n <= last; ++n) values.apply({1, n, pair_of{n, n}});
    one.join();
    other.join();
    CHECK(torn == 0);
}

TEST_CASE("threads that apply to one key tell of each change in order, one at a time") {
    constexpr int rounds = 5'000;
    std::atomic<int> inside{0};
    std::atomic<int> wrong{0};
    std::uint64_t last = 0;  // guarded by the promise that is tested
    replica<int, std::uint64_t> values{{.tombstones = 0}, [&](int, const auto& before, const auto& after) {
                                           if (inside.fetch_add(1) != 0) ++wrong;
                                           if ((before != nullptr ? *before : 0) != last) ++wrong;
                                           last = after != nullptr ? *after : 0;
                                           inside.fetch_sub(1);
                                       }};
    support::meeting start;
    const auto apply = [&](int who) {
        start.meet(who);
        for (int n = 0; n < rounds; ++n) {
            const auto v = static_cast<std::uint64_t>(n + 1);
            if (n % 7 == who) values.remove(1, v);
            else values.apply({1, v, v});
        }
    };
    std::thread one{apply, 0};
    std::thread other{apply, 1};
    one.join();
    other.join();
    CHECK(wrong == 0);
    const auto found = values.find(1);
    CHECK(last == (found != nullptr ? *found : 0));
    CHECK(values.stats().accounted() == values.stats().offered);
}

TEST_CASE("snapshots are taken while others apply, and make up with what follows for all of it") {
    replica<int, int> old;
    replica<int, int> fresh;
    constexpr int keys = 500;
    constexpr std::uint64_t versions = 20;
    std::thread owner{[&] {
        for (std::uint64_t v = 1; v <= versions; ++v)
            for (int key = 0; key < keys; ++key) old.apply({key, v, static_cast<int>(v)});
    }};
    for (int n = 0; n < 20; ++n) {
        CHECK(fresh.load(old.snapshot()) == 0);
        std::this_thread::yield();
    }
    owner.join();
    fresh.load(old.snapshot());
    for (int key = 0; key < keys; ++key) REQUIRE(*fresh.find(key) == static_cast<int>(versions));
}
