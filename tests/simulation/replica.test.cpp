// A replica on simulated threads: nothing is applied twice, changes are told in order, and no lock is held meanwhile.
#include "simulation/crew.hpp"
#include "simulation/explore_case.hpp"
#include "simulation/sync.hpp"

#include <tidings/consumer/replica.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

namespace {

using namespace tidings;
using simulation::crew;
using simulation::require;
using simulation::scheduler;

void require_no_lock(std::string_view what) { require(simulation::this_thread().locks == 0, what); }

/// A key whose hashes are all equal, so that every search compares.
class key {
public:
    explicit key(int n) noexcept : n_{n} {}
    key(const key& other) noexcept : n_{other.n_} { require_no_lock("a key is copied with a lock held"); }
    key(key&& other) noexcept : n_{other.n_} { require_no_lock("a key is moved with a lock held"); }
    key& operator=(const key&) = delete;
    ~key() { require_no_lock("a key is destroyed with a lock held"); }
    friend bool operator==(const key& a, const key& b) noexcept {
        require_no_lock("keys are compared with a lock held");
        return a.n_ == b.n_;
    }

private:
    int n_;
};

class value {
public:
    explicit value(std::uint64_t n) noexcept : n_{n} {}
    value(value&& other) noexcept : n_{other.n_} { require_no_lock("a value is moved with a lock held"); }
    value& operator=(value&&) = delete;
    ~value() { require_no_lock("a value is destroyed with a lock held"); }
    std::uint64_t number() const noexcept { return n_; }
    friend bool operator==(const value& a, const value& b) noexcept { return a.n_ == b.n_; }

private:
    std::uint64_t n_;
};

/// Sets of bits, in which each loss shows.
struct unite {
    value operator()(const value& a, const value& b) const {
        require_no_lock("values are merged with a lock held");
        base::yield();
        return value{a.number() | b.number()};
    }
};

std::uint64_t number(const std::shared_ptr<const value>& v) { return v != nullptr ? v->number() : 0; }

template <class R>
void require_account(const R& r) {
    const auto s = r.stats();
    require(s.accounted() == s.offered, "the account does not add up");
}

}  // namespace

template <>
struct std::hash<key> {
    std::size_t operator()(const key&) const noexcept {
        require_no_lock("a key is hashed with a lock held");
        return 3;
    }
};

namespace {

template <class P>
using store = replica<key, value, P>;

/// Three threads bring new keys, and merge into them; no key comes twice and no merge is lost.
void merges_meet(scheduler& run) {
    crew threads{run};
    store<merge_values<unite>> all;
    for (unsigned t = 0; t < 3; ++t)
        threads.spawn("writer", [&, t] {
            for (int k = 0; k < 2; ++k) all.apply({key{k}, 1, value{std::uint64_t{1} << t}});
        });
    threads.join();
    for (int k = 0; k < 2; ++k) require(number(all.find(key{k})) == 7, "a merge is lost");
    require(all.stats().values == 2, "a key is there twice");
    require(all.stats().applied == 2 && all.stats().merged == 4, "an update was not counted as what it was");
    require_account(all);
}

/// One thread at a time tells of a key, in order, while threads apply, remove and forget, and while a handler does.
template <class P>
void changes_are_told_in_order(scheduler& run) {
    crew threads{run};
    struct seen {
        std::uint64_t last = 0;
        int inside = 0;
    };
    std::array<seen, 2> told{};
    std::optional<store<P>> all;
    all.emplace(replica_options{.tombstones = 1},
                [&](const key& k, const std::shared_ptr<const value>& before, const auto& after) {
                    require_no_lock("a handler is called with a lock held");
                    seen& mine = told.at(k == key{0} ? 0 : 1);
                    require(++mine.inside == 1, "two tell of one key");
                    base::yield();
                    require(number(before) == mine.last, "a change is told out of order");
                    mine.last = number(after);
                    if (mine.last == 2) all->apply({key{0}, 4, value{4}});
                    --mine.inside;
                });
    threads.spawn("one", [&] {
        all->apply({key{0}, 1, value{1}});
        all->remove(key{0}, 3);
    });
    threads.spawn("other", [&] {
        all->apply({key{0}, 2, value{2}});
        all->remove(key{1}, 1);
        all->apply({key{1}, 2, value{9}});
    });
    threads.spawn("third", [&] {
        all->apply({key{0}, 2, value{2}});
        all->remove(key{2}, 1);
        all->remove(key{1}, 3);
    });
    threads.join();
    require(told[0].last == number(all->find(key{0})), "the last change was not told");
    require(told[1].last == number(all->find(key{1})), "the last change was not told");
    require(all->stats().tombstones <= 1, "too many tombstones");
    require_account(*all);
}

/// The versions of a key come from three threads in any order, and each is applied once, after the one before.
void gaps_close(scheduler& run) {
    crew threads{run};
    std::uint64_t last = 0;
    store<in_sequence> all{{}, [&](const key&, const auto& before, const auto& after) {
                               require(number(before) == last && number(after) > last, "told out of order");
                               last = number(after);
                               base::yield();
                           }};
    for (unsigned t = 0; t < 3; ++t)
        threads.spawn("network", [&, t] {
            for (const std::uint64_t v : {3 - t, 6 - t, 1 + t}) all.apply({key{0}, v, value{v}});
        });
    threads.join();
    require(number(all.find(key{0})) == 6 && last == 6, "a version is missing");
    require(all.stats().applied == 6 && all.stats().held == 0, "a version was applied twice, or is held still");
    require_account(all);
}

/// A newcomer gets updates while it loads the snapshot of one that gets them, too.
template <class P>
void a_newcomer_catches_up(scheduler& run) {
    crew threads{run};
    store<P> old;
    store<P> fresh;
    for (std::uint64_t v = 1; v <= 2; ++v) old.apply({key{0}, v, value{v}});
    old.remove(key{1}, 1);
    base::atomic<int> subscribed{0};
    threads.spawn("owner", [&] {
        for (std::uint64_t v = 3; v <= 4; ++v) {
            const bool both = subscribed.load() != 0;
            old.apply({key{0}, v, value{v}});
            if (both) fresh.apply({key{0}, v, value{v}});
        }
    });
    threads.spawn("newcomer", [&] {
        subscribed.store(1);
        require(fresh.load(old.snapshot()) == 0, "no room");
    });
    threads.join();
    require(fresh.load(old.snapshot()) == 0, "no room");
    require(number(fresh.find(key{0})) == 4, "an update is lost");
    require(fresh.siblings(key{1}).size() == 1, "a tombstone is lost");
    require_account(fresh);
}

/// Bounds hold while threads compete for the last places.
void places_are_few(scheduler& run) {
    crew threads{run};
    store<newest_version> all{{.capacity = 1, .tombstones = 1}};
    for (int t = 0; t < 3; ++t)
        threads.spawn("writer", [&, t] {
            const apply_result put = all.apply({key{t}, 1, value{1}});
            require(put == apply_result::applied || put == apply_result::full, "neither applied nor full");
            require(all.stats().values <= 1, "too many keys");
            require(all.remove(key{t}, 2) == apply_result::applied, "not removed");
            require(all.stats().tombstones <= 1, "too many tombstones");
        });
    threads.join();
    require(all.stats().values == 0 && all.stats().tombstones == 1 && all.stats().forgotten == 2, "miscounted");
    require_account(all);
}

/// What a reader finds does not go back.
void readers_go_forward(scheduler& run) {
    crew threads{run};
    store<newest_version> all;
    for (unsigned t = 0; t < 2; ++t)
        threads.spawn("writer", [&, t] {
            for (std::uint64_t v = 1 + t; v <= 4; v += 2) all.apply({key{0}, v, value{v}});
        });
    threads.spawn("reader", [&] {
        for (std::uint64_t seen = 0, n = 0; n < 4; ++n) {
            const std::uint64_t now = number(all.find(key{0}));
            require(now >= seen, "a reader goes back");
            seen = now;
        }
    });
    threads.join();
    require(number(all.find(key{0})) == 4, "the last version is not there");
}

constexpr std::uint64_t schedules = tidings::simulation::schedules_of(10'000);

}  // namespace

TEST_CASE("simulated: merges meet") { EXPLORE(schedules, merges_meet); }
TEST_CASE("simulated: changes are told in order") { EXPLORE(schedules, changes_are_told_in_order<newest_version>); }
TEST_CASE("simulated: gaps close") { EXPLORE(schedules, gaps_close); }
TEST_CASE("simulated: a newcomer catches up") { EXPLORE(schedules, a_newcomer_catches_up<newest_version>); }
TEST_CASE("simulated: a newcomer catches up in sequence") { EXPLORE(schedules, a_newcomer_catches_up<in_sequence>); }
TEST_CASE("simulated: places are few") { EXPLORE(schedules, places_are_few); }
TEST_CASE("simulated: readers go forward") { EXPLORE(schedules, readers_go_forward); }
