#include "support/catch.hpp"
#include "support/seed.hpp"

#include <tidings/consumer/conflict_policy.hpp>
#include <tidings/consumer/replica.hpp>

#include <algorithm>
#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using tidings::apply_result;
using tidings::in_sequence;
using tidings::keep_siblings;
using tidings::last_writer_wins;
using tidings::newest_version;
using tidings::replica;
using tidings::vector_clock;
using tidings::write_stamp;

using items = std::set<int>;

struct union_of {
    items operator()(const items& a, const items& b) const {
        items both = a;
        both.insert(b.begin(), b.end());
        return both;
    }
};

/// Obeys none of the laws.
struct side_by_side {
    std::string operator()(const std::string& a, const std::string& b) const { return '(' + a + ' ' + b + ')'; }
};

using merge_words = tidings::merge_siblings<side_by_side>;
using merge_items = tidings::merge_values<union_of>;

write_stamp at(int time, std::uint64_t writer) {
    return {std::chrono::system_clock::time_point{std::chrono::seconds{time}}, writer};
}

vector_clock clock_of(std::initializer_list<vector_clock::entry> entries) {
    vector_clock made;
    for (const auto& each : entries) REQUIRE(made.raise(each.writer, each.count));
    return made;
}

template <class P>
std::string text(const replica<int, std::string, P>& r) {
    const auto found = r.find(1);
    return found != nullptr ? *found : "-";
}

// --- Histories -----------------------------------------------------------------------------------------------------

template <class V, class P>
using updates = std::vector<typename replica<int, V, P>::update>;

constexpr int keys = 3;

/// What is seen of each key, and the versions that it is made of.
template <class V, class P>
auto content(const replica<int, V, P>& r) {
    using version = typename P::version_type;
    std::map<int, std::pair<std::optional<V>, std::vector<std::pair<version, std::optional<V>>>>> all;
    for (int key = 0; key < keys; ++key) {
        auto& [seen, versions] = all[key];
        if (const auto found = r.find(key)) seen = *found;
        for (const auto& each : r.siblings(key))
            versions.emplace_back(each.version, each.value ? std::optional<V>{*each.value} : std::nullopt);
    }
    return all;
}

/// Some writes for a few keys, as their writers made them. A writer counts its own writes, and has often not seen those
/// of the others.
template <class V, class P>
updates<V, P> history(std::mt19937_64& random) {
    updates<V, P> all;
    const std::size_t count = 1 + random() % 12;
    std::map<int, std::uint64_t> counted;
    std::map<int, int> clocks;
    std::map<std::pair<int, std::uint64_t>, vector_clock> known;
    for (std::size_t n = 0; n < count; ++n) {
        const int key = static_cast<int>(random() % keys);
        std::optional<V> value;
        if constexpr (std::is_same_v<V, items>)
            value = items{static_cast<int>(random() % 5), static_cast<int>(random() % 5)};
        else value = std::string(1, static_cast<char>('a' + n));
        if (random() % 4 == 0) value.reset();
        if constexpr (std::is_same_v<P, last_writer_wins>) {
            const std::uint64_t writer = random() % 3;
            auto& time = clocks[static_cast<int>(writer)];
            time += 1 + static_cast<int>(random() % 2);
            all.push_back({key, at(time, writer), value});
        } else if constexpr (std::is_same_v<typename P::version_type, vector_clock>) {
            const std::uint64_t writer = random() % 3;
            auto& mine = known[{key, writer}];
            if (random() % 2 == 0) REQUIRE(mine.merge(known[{key, random() % 3}]));
            REQUIRE(mine.increment(writer));
            all.push_back({key, mine, value});
        } else if constexpr (std::is_same_v<P, merge_items>) {
            all.push_back({key, random() % 3, value});
        } else {
            all.push_back({key, ++counted[key], value});
        }
    }
    return all;
}

/// What the versions are that nothing later has overtaken, and what is seen of them: by definition, with no order of
/// arrival.
template <class V, class P>
auto reference(const updates<V, P>& all) {
    decltype(content(std::declval<const replica<int, V, P>&>())) result;
    for (int key = 0; key < keys; ++key) {
        auto& [seen, versions] = result[key];
        for (const auto& each : all) {
            if (each.key != key) continue;
            const bool overtaken = std::any_of(all.begin(), all.end(), [&](const auto& other) {
                return other.key == key && each.version < other.version;
            });
            if (!overtaken) versions.emplace_back(each.version, each.value);
        }
        if constexpr (std::is_same_v<P, merge_items>) {  // equal versions are one
            if (!versions.empty()) {
                std::optional<items> one = items{};
                for (const auto& [version, value] : versions) {
                    if (!value) one.reset();
                    if (one) one->insert(value->begin(), value->end());
                }
                versions = {{versions.front().first, one}};
            }
        } else if constexpr (std::is_same_v<typename P::version_type, vector_clock>) {
            std::sort(versions.begin(), versions.end(),
                      [](const auto& a, const auto& b) { return keep_siblings::before(a.first, b.first); });
        }
        for (const auto& [version, value] : versions) {
            if (!value) continue;
            if (!seen) seen = value;
            else if constexpr (std::is_same_v<P, merge_words>) seen = side_by_side{}(*seen, *value);
        }
    }
    return result;
}

/// As an unkind network brings them: everything once at least, some twice, in any order.
template <class Updates>
Updates delivered(const Updates& all, std::mt19937_64& random) {
    Updates some = all;
    for (const auto& each : all)
        if (random() % 3 == 0) some.push_back(each);
    std::shuffle(some.begin(), some.end(), random);
    return some;
}

template <class V, class P>
void require_convergence(const char* name) {
    std::mt19937_64 random{support::fresh_seed(name)};
    for (int round = 0; round < 1'500; ++round) {
        const auto all = history<V, P>(random);
        const auto expected = reference<V, P>(all);
        for (int copy = 0; copy < 3; ++copy) {
            replica<int, V, P> one;
            const auto some = delivered(all, random);
            const std::size_t half = random() % (some.size() + 1);
            std::size_t n = 0;
            for (const auto& each : some) {
                if (n++ != half) {
                    one.apply(each);
                    continue;
                }
                replica<int, V, P> newcomer;  // goes on in its place, from a snapshot, and meets the update twice
                newcomer.apply(each);
                REQUIRE(newcomer.load(one.snapshot()) == 0);
                newcomer.apply(each);
                one.apply(each);
                REQUIRE(content(newcomer) == content(one));
            }
            REQUIRE(content(one) == expected);
            const auto stats = one.stats();
            REQUIRE(stats.offered == some.size());
            REQUIRE(stats.accounted() == stats.offered);
            REQUIRE(stats.held == 0);
        }
    }
}

template <class V, class P>
void require_convergence_across_threads(const char* name) {
    std::mt19937_64 random{support::fresh_seed(name)};
    for (int round = 0; round < 150; ++round) {
        const auto all = history<V, P>(random);
        const auto expected = reference<V, P>(all);
        replica<int, V, P> one;
        std::vector<std::thread> threads;
        for (int t = 0; t < 2; ++t)
            threads.emplace_back([&one, some = delivered(all, random)] {
                for (const auto& each : some) one.apply(each);
            });
        for (auto& each : threads) each.join();
        REQUIRE(content(one) == expected);
        REQUIRE(one.stats().accounted() == one.stats().offered);
    }
}

template <class V, class P>
void fill(replica<int, V, P>& r, const updates<V, P>& all, std::mt19937_64& random) {
    for (const auto& each : all)
        if (random() % 2 == 0) r.apply(each);
}

/// Loading a snapshot is the join of two states.
template <class V, class P>
void require_laws(const char* name) {
    std::mt19937_64 random{support::fresh_seed(name)};
    using store = replica<int, V, P>;
    for (int round = 0; round < 1'000; ++round) {
        const auto all = history<V, P>(random);
        store a;
        store b;
        store c;
        for (store* each : {&a, &b, &c}) fill<V, P>(*each, all, random);
        const auto joined = [](std::initializer_list<const store*> parts) {
            auto made = std::make_unique<store>();
            for (const store* each : parts) REQUIRE(made->load(each->snapshot()) == 0);
            return made;
        };
        REQUIRE(content(*joined({&a, &b})) == content(*joined({&b, &a})));
        REQUIRE(content(*joined({&a, &a})) == content(a));
        REQUIRE(content(*joined({joined({&a, &b}).get(), &c})) == content(*joined({&a, joined({&b, &c}).get()})));
        const auto once = joined({&a, &b});
        REQUIRE(content(*joined({once.get(), &b, &a})) == content(*once));
    }
}

}  // namespace

TEST_CASE("the last writer wins, and of two at one time the one with the higher number, in either order") {
    const auto early = at(1, 9);
    const auto low = at(2, 1);
    const auto high = at(2, 2);
    replica<int, std::string, last_writer_wins> one;
    CHECK(one.apply({1, low, "low"}) == apply_result::applied);
    CHECK(one.apply({1, high, "high"}) == apply_result::applied);
    CHECK(one.apply({1, early, "early"}) == apply_result::stale);
    CHECK(one.apply({1, high, "high"}) == apply_result::duplicate);
    replica<int, std::string, last_writer_wins> other;
    CHECK(other.apply({1, high, "high"}) == apply_result::applied);
    CHECK(other.apply({1, low, "low"}) == apply_result::stale);
    CHECK(text(one) == "high");
    CHECK(text(other) == "high");
    const write_stamp first{std::chrono::system_clock::time_point::min(), 0};
    const write_stamp last{std::chrono::system_clock::time_point::max(), ~std::uint64_t{0}};
    CHECK(one.apply({1, last, "for ever"}) == apply_result::applied);
    CHECK(one.apply({1, first, "never"}) == apply_result::stale);
}

TEST_CASE("concurrent versions are kept beside each other until one has seen them") {
    replica<int, std::string, keep_siblings> carts;
    CHECK(carts.apply({1, clock_of({{1, 1}}), "base"}) == apply_result::applied);
    CHECK(carts.apply({1, clock_of({{1, 1}, {3, 1}}), "c"}) == apply_result::applied);
    CHECK(carts.apply({1, clock_of({{1, 1}, {2, 1}}), "b"}) == apply_result::conflict);
    CHECK(carts.apply({1, clock_of({{1, 1}, {2, 1}}), "b"}) == apply_result::duplicate);
    CHECK(carts.apply({1, clock_of({{1, 1}, {3, 1}}), "c"}) == apply_result::duplicate);
    CHECK(carts.apply({1, clock_of({{1, 1}}), "base"}) == apply_result::stale);
    REQUIRE(carts.siblings(1).size() == 2);
    CHECK(text(carts) == *carts.siblings(1)[0].value);
    CHECK(carts.apply({1, clock_of({{1, 1}, {3, 2}}), "C"}) == apply_result::conflict);  // has seen one of them
    CHECK(carts.siblings(1).size() == 2);

    vector_clock seen;
    for (const auto& each : carts.siblings(1)) REQUIRE(seen.merge(each.version));
    REQUIRE(seen.increment(2));
    CHECK(carts.apply({1, seen, "both"}) == apply_result::applied);
    CHECK(carts.siblings(1).size() == 1);
    CHECK(text(carts) == "both");
    CHECK(carts.stats().conflicts == 2);
}

TEST_CASE("a value that is concurrent with a removal stays, and a late one from before the removal does not") {
    replica<int, std::string, keep_siblings> carts;
    carts.apply({1, clock_of({{1, 1}}), "base"});
    CHECK(carts.remove(1, clock_of({{1, 2}})) == apply_result::applied);
    CHECK(carts.stats().tombstones == 1);
    CHECK(carts.apply({1, clock_of({{1, 1}, {2, 1}}), "b"}) == apply_result::conflict);
    CHECK(text(carts) == "b");
    CHECK(carts.stats().tombstones == 0);
    CHECK(carts.apply({1, clock_of({{1, 1}}), "base"}) == apply_result::stale);
    CHECK(carts.remove(1, clock_of({{1, 1}, {2, 2}})) == apply_result::conflict);
    CHECK(text(carts) == "-");
    CHECK(carts.stats().tombstones == 1);
}

TEST_CASE("siblings are bounded, and who finds no room is told") {
    replica<int, std::string, keep_siblings> carts{{.siblings = 2}};
    carts.apply({1, clock_of({{1, 1}}), "a"});
    carts.apply({1, clock_of({{2, 1}}), "b"});
    CHECK(carts.apply({1, clock_of({{3, 1}}), "c"}) == apply_result::full);
    CHECK(carts.siblings(1).size() == 2);
    CHECK(carts.apply({1, clock_of({{2, 1}, {3, 2}}), "c"}) == apply_result::conflict);
    replica<int, std::string, keep_siblings> one{{.siblings = 0}};
    CHECK(one.apply({1, clock_of({{1, 1}}), "a"}) == apply_result::applied);
    CHECK(one.apply({1, clock_of({{2, 1}}), "b"}) == apply_result::full);
}

TEST_CASE("concurrent values are merged in one order, and anew when one of them is replaced") {
    replica<int, std::string, merge_words> one;
    const auto a = clock_of({{1, 1}});
    const auto b = clock_of({{2, 1}});
    const auto c = clock_of({{3, 1}});
    one.apply({1, c, "c"});
    CHECK(one.apply({1, a, "a"}) == apply_result::merged);
    one.apply({1, b, "b"});
    CHECK(text(one) == "((a b) c)");
    CHECK(one.apply({1, clock_of({{1, 2}}), "A"}) == apply_result::merged);
    CHECK(text(one) == "((A b) c)");
    CHECK(one.stats().merged == 3);
}

TEST_CASE("values merge within a generation, a removal ends it, and the next begins anew") {
    replica<int, items, merge_items> tags;
    CHECK(tags.apply({1, 5, items{1}}) == apply_result::applied);
    CHECK(tags.apply({1, 5, items{2}}) == apply_result::merged);
    CHECK(tags.apply({1, 5, items{1}}) == apply_result::duplicate);
    CHECK(*tags.find(1) == items{1, 2});
    CHECK(tags.apply({1, 4, items{9}}) == apply_result::stale);
    CHECK(tags.remove(1, 5) == apply_result::applied);
    CHECK(tags.remove(1, 5) == apply_result::duplicate);
    CHECK(tags.apply({1, 5, items{3}}) == apply_result::stale);
    CHECK(tags.find(1) == nullptr);
    CHECK(tags.apply({1, 6, items{4}}) == apply_result::applied);
    CHECK(*tags.find(1) == items{4});
}

TEST_CASE("a policy of one's own is an order") {
    struct by_even {
        using version_type = double;
        static bool before(double a, double b) { return a < b; }
    };
    const double nothing = std::numeric_limits<double>::quiet_NaN();
    replica<int, std::string, by_even> r{{.siblings = 3}};
    CHECK(r.apply({1, 1.5, "a"}) == apply_result::applied);
    CHECK(r.apply({1, nothing, "b"}) == apply_result::conflict);  // no number is before or after it, nor itself
    CHECK(r.apply({1, nothing, "b"}) == apply_result::conflict);
    CHECK(r.apply({1, nothing, "b"}) == apply_result::full);
    CHECK(r.stats().accounted() == r.stats().offered);
}

TEST_CASE("a merge function with a state is given to the replica, and may throw") {
    struct counting {
        int* calls;
        std::string operator()(const std::string& a, const std::string& b) const {
            if (++*calls == 2) throw 7;
            return a + b;
        }
    };
    int calls = 0;
    replica<int, std::string, tidings::merge_siblings<counting>> r{{}, tidings::merge_siblings{counting{&calls}}};
    r.apply({1, clock_of({{1, 1}}), "a"});
    r.apply({1, clock_of({{2, 1}}), "b"});
    CHECK(text(r) == "ab");
    CHECK_THROWS_AS(r.apply({1, clock_of({{3, 1}}), "c"}), int);
    CHECK(text(r) == "ab");
    CHECK(r.stats().offered == 2);
}

TEST_CASE("replicas converge, whatever order updates come in and however often: newest version") {
    require_convergence<std::string, newest_version>("newest_version");
    require_convergence_across_threads<std::string, newest_version>("newest_version, threads");
}
TEST_CASE("replicas converge, whatever order updates come in and however often: in sequence") {
    require_convergence<std::string, in_sequence>("in_sequence");
    require_convergence_across_threads<std::string, in_sequence>("in_sequence, threads");
}
TEST_CASE("replicas converge, whatever order updates come in and however often: last writer wins") {
    require_convergence<std::string, last_writer_wins>("last_writer_wins");
    require_convergence_across_threads<std::string, last_writer_wins>("last_writer_wins, threads");
}
TEST_CASE("replicas converge, whatever order updates come in and however often: siblings") {
    require_convergence<std::string, keep_siblings>("keep_siblings");
    require_convergence_across_threads<std::string, keep_siblings>("keep_siblings, threads");
}
TEST_CASE("replicas converge, whatever order updates come in and however often: merged siblings") {
    require_convergence<std::string, merge_words>("merge_siblings");
    require_convergence_across_threads<std::string, merge_words>("merge_siblings, threads");
}
TEST_CASE("replicas converge, whatever order updates come in and however often: merged values") {
    require_convergence<items, merge_items>("merge_values");
    require_convergence_across_threads<items, merge_items>("merge_values, threads");
}

TEST_CASE("the join of two states is commutative, associative and idempotent") {
    require_laws<std::string, newest_version>("newest_version, laws");
    require_laws<std::string, in_sequence>("in_sequence, laws");
    require_laws<std::string, last_writer_wins>("last_writer_wins, laws");
    require_laws<std::string, keep_siblings>("keep_siblings, laws");
    require_laws<std::string, merge_words>("merge_siblings, laws");
    require_laws<items, merge_items>("merge_values, laws");
}
