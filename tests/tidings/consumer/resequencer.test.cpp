// One file of the program replaces operator new.
#include "support/allocations.hpp"

#include "support/catch.hpp"
#include "support/seed.hpp"

#include <tidings/consumer/resequencer.hpp>
#include <tidings/tidings.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <new>
#include <optional>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using namespace tidings;
using outcome = sequence_outcome;
using time_point = std::chrono::steady_clock::time_point;
using span = std::chrono::steady_clock::duration;
using functions = resequencer_functions<std::string>;
using order = resequencer<std::string>;

constexpr std::uint64_t last_number = std::numeric_limits<std::uint64_t>::max();

constexpr time_point after(span d) { return time_point{d}; }

/// What a resequencer said: "1 2 [3-4] 5 duplicate:2 ".
struct account {
    functions all() {
        return {.deliver = [this](std::uint64_t n, std::string&&) { text += std::to_string(n) + " "; },
                .gap =
                    [this](const sequence_gap& g) {
                        text += "[" + std::to_string(g.first_missing) + "-" + std::to_string(g.last_missing) + "] ";
                    },
                .stray =
                    [this](const stray_event<std::string>& s) {
                        static const char* const names[] = {"?",   "?",   "duplicate", "straggler",
                                                            "old", "far", "full",      "ended"};
                        text += std::string{names[static_cast<int>(s.why)]} + ":" + std::to_string(s.sequence) + " ";
                    }};
    }
    std::string text;
};

void check_account(const resequencer_stats& s) { CHECK(s.pushed == s.accounted()); }

}  // namespace

TEST_CASE("events are delivered in the order of their numbers") {
    account seen;
    order r{seen.all(), {.first = 1}};
    CHECK(r.push(3, "c", after(0s)) == outcome::held);
    CHECK(r.push(2, "b", after(0s)) == outcome::held);
    CHECK(seen.text.empty());
    CHECK(r.push(1, "a", after(0s)) == outcome::delivered);
    CHECK(r.push(4, "d", after(0s)) == outcome::delivered);
    CHECK(seen.text == "1 2 3 4 ");
    CHECK_FALSE(r.deadline());
    check_account(r.stats());
    CHECK(r.stats().high_water == 2);
}

TEST_CASE("without a first number, that of the first event is it") {
    account seen;
    order r{seen.all()};
    r.push(41, "", after(0s));
    r.push(40, "", after(0s));
    r.push(42, "", after(0s));
    CHECK(seen.text == "41 old:40 42 ");
}

TEST_CASE("a gap is given up when an event behind it has been held for long enough, and not before") {
    account seen;
    order r{seen.all(), {.first = 1, .patience = 1s}};
    r.push(3, "", after(10s));
    r.push(5, "", after(10'500ms));
    r.push(6, "", after(10'600ms));
    CHECK(r.deadline() == after(11s));
    r.advance(after(11s - 1ns));
    CHECK(seen.text.empty());
    r.advance(after(11s));
    CHECK(seen.text == "[1-2] 3 ");
    CHECK(r.deadline() == after(11'500ms));
    CHECK(r.push(4, "", after(11'500ms)) == outcome::delivered);  // just in time: nobody has given it up
    CHECK(seen.text == "[1-2] 3 4 5 6 ");
    CHECK(r.push(2, "", after(11'500ms)) == outcome::straggler);
    CHECK(r.push(3, "", after(11'500ms)) == outcome::duplicate);
    CHECK(r.push(0, "", after(11'500ms)) == outcome::too_old);
    CHECK(seen.text == "[1-2] 3 4 5 6 straggler:2 duplicate:3 old:0 ");
    CHECK(r.stats().gaps == 1);
    CHECK(r.stats().missing == 2);
    check_account(r.stats());
}

TEST_CASE("whoever has waited longest decides, and takes along what is before it") {
    account seen;
    order r{seen.all(), {.first = 1, .patience = 1s}};
    r.push(9, "", after(0ms));
    r.push(4, "", after(900ms));
    r.push(6, "", after(990ms));
    CHECK(r.deadline() == after(1s));
    CHECK(r.push(7, "", after(1s)) == outcome::delivered);  // after it was held for no time at all
    CHECK(seen.text == "[1-3] 4 [5-5] 6 7 [8-8] 9 ");
    check_account(r.stats());
}

TEST_CASE("time that goes backwards is taken as standing still") {
    account seen;
    order r{seen.all(), {.first = 1, .patience = 1s}};
    r.push(2, "", after(10s));
    r.push(3, "", after(-10s));
    r.advance(after(5s));
    CHECK(seen.text.empty());
    r.advance(after(11s));
    CHECK(seen.text == "[1-1] 2 3 ");
}

TEST_CASE("a number that is held, or has been delivered, is not taken again") {
    account seen;
    order r{seen.all(), {.first = 1}};
    r.push(2, "", after(0s));
    CHECK(r.push(2, "", after(0s)) == outcome::duplicate);
    r.push(1, "", after(0s));
    CHECK(r.push(1, "", after(0s)) == outcome::duplicate);
    CHECK(r.push(2, "", after(0s)) == outcome::duplicate);
    CHECK(seen.text == "duplicate:2 1 2 duplicate:1 duplicate:2 ");
    CHECK(r.stats().duplicates == 3);
    check_account(r.stats());
}

TEST_CASE("when no more can be held, the first gap is given up at once") {
    account seen;
    order r{seen.all(), {.first = 1, .capacity = 2}};
    r.push(3, "", after(0s));
    r.push(6, "", after(0s));
    CHECK(r.push(8, "", after(0s)) == outcome::held);
    CHECK(seen.text == "[1-2] 3 ");
    CHECK(r.push(5, "", after(0s)) == outcome::delivered);  // before all that is held
    CHECK(seen.text == "[1-2] 3 [4-4] 5 6 ");
    CHECK(r.stats().crowded_out == 2);
    CHECK(r.stats().high_water == 2);
    account one;
    order least{one.all(), {.first = 1, .capacity = 0}};  // one, at least
    least.push(2, "", after(0s));
    least.push(1, "", after(0s));
    least.push(4, "", after(0s));
    least.push(6, "", after(0s));
    CHECK(one.text == "1 2 [3-3] 4 ");
}

TEST_CASE("without patience nothing is waited for") {
    for (const span patience : {span{0}, span{-5s}, span::min()}) {
        account seen;
        order r{seen.all(), {.first = 1, .patience = patience}};
        CHECK(r.push(3, "", after(0s)) == outcome::delivered);
        CHECK(r.push(1, "", after(0s)) == outcome::straggler);
        CHECK(seen.text == "[1-2] 3 straggler:1 ");
        check_account(r.stats());
    }
}

TEST_CASE("flush gives up every gap") {
    account seen;
    order r{seen.all(), {.first = 1, .patience = 1h}};
    r.flush();
    r.push(3, "", after(0s));
    r.push(5, "", after(0s));
    r.push(6, "", after(0s));
    r.flush();
    CHECK(seen.text == "[1-2] 3 [4-4] 5 6 ");
    CHECK(r.push(7, "", after(0s)) == outcome::delivered);
    CHECK(r.push(9, "", after(0s)) == outcome::held);
}

TEST_CASE("one number far ahead ends nothing, and numbers that follow it are believed") {
    account seen;
    order r{seen.all(), {.first = 1, .patience = 1s, .longest_jump = 100}};
    r.push(1, "", after(0s));
    CHECK(r.push(last_number, "", after(0s)) == outcome::too_far_ahead);
    CHECK(r.push(1'000, "", after(0s)) == outcome::too_far_ahead);
    CHECK(r.push(1'002, "", after(0s)) == outcome::too_far_ahead);
    CHECK(r.push(2, "", after(0s)) == outcome::delivered);
    CHECK(r.push(1'003, "", after(0s)) == outcome::too_far_ahead);  // one came between
    CHECK(r.push(103, "", after(0s)) == outcome::held);
    CHECK(r.push(203, "", after(0s)) == outcome::held);  // not far from what is held
    r.flush();
    seen.text.clear();
    CHECK(r.push(2'000, "", after(0s)) == outcome::too_far_ahead);
    CHECK(r.push(2'001, "", after(0s)) == outcome::held);
    CHECK(r.push(2'002, "", after(0s)) == outcome::held);
    CHECK(r.push(204, "", after(0s)) == outcome::delivered);
    r.advance(after(1s));
    CHECK(seen.text == "far:2000 204 [205-2000] 2001 2002 ");
    check_account(r.stats());
}

TEST_CASE("the ends of numbers and times overflow nothing") {
    account seen;
    order r{seen.all(), {.first = 0, .patience = span::max(), .longest_jump = last_number}};
    r.push(last_number, "", time_point::min());
    CHECK(r.deadline() == after(span{-1}));  // the beginning of time, and the longest wait
    r.push(last_number - 1, "", time_point::max());
    CHECK(seen.text == "[0-18446744073709551613] 18446744073709551614 18446744073709551615 ");
    CHECK(r.stats().missing == last_number - 1);
    for (const std::uint64_t n : {std::uint64_t{0}, last_number - 1, last_number})
        CHECK(r.push(n, "", time_point::min()) != outcome::held);
    CHECK(r.stats().held == 0);
    check_account(r.stats());

    account whole;
    order at_end{whole.all(), {.first = last_number}};
    CHECK(at_end.push(last_number, "", after(0s)) == outcome::delivered);
    CHECK(at_end.push(last_number, "", after(0s)) == outcome::duplicate);
    CHECK(at_end.push(0, "", after(0s)) == outcome::too_old);
}

TEST_CASE("of gaps that are long past nothing is known") {
    account seen;
    order r{seen.all(), {.first = 0, .patience = 0s, .remembered_gaps = 2}};
    for (std::uint64_t n = 1; n < 10; n += 2) r.push(n, "", after(0s));  // 0, 2, 4, 6, 8 are missing
    seen.text.clear();
    for (std::uint64_t n = 0; n < 10; ++n) r.push(n, "", after(0s));
    CHECK(seen.text == "old:0 old:1 old:2 old:3 old:4 duplicate:5 straggler:6 duplicate:7 straggler:8 duplicate:9 ");
}

TEST_CASE("a handler that throws has had its event; the others get theirs, and it comes out at the end") {
    std::string text;
    order r{{.deliver =
                 [&](std::uint64_t n, const std::string&) {
                     text += std::to_string(n) + " ";
                     if (n % 2 == 0) throw std::runtime_error{std::to_string(n)};
                 },
             .gap = [](const sequence_gap&) { throw std::logic_error{"gap"}; },
             .stray = [](const stray_event<std::string>&) { throw std::logic_error{"stray"}; }},
            {.first = 1}};
    for (std::uint64_t n : {2U, 3U, 4U, 6U, 7U}) r.push(n, "", after(0s));
    CHECK_THROWS_WITH(r.push(1, "", after(0s)), "2");
    CHECK(text == "1 2 3 4 ");
    CHECK_THROWS_WITH(r.flush(), "gap");
    CHECK(text == "1 2 3 4 6 7 ");
    CHECK_THROWS_WITH(r.push(5, "", after(0s)), "stray");
    CHECK(r.stats().failed == 3);
    CHECK(r.stats().delivered == 3);
    CHECK(r.stats().stragglers == 1);
    CHECK(r.stats().handler_failures == 2);
    CHECK(r.push(9, "", after(0s)) == outcome::held);
    check_account(r.stats());
}

TEST_CASE("what a handler pushes has its turn, and not sooner") {
    std::optional<order> r;
    std::string text;
    int inside = 0;
    const auto deliver = [&](std::uint64_t n, const std::string&) {
        CHECK(++inside == 1);
        text += std::to_string(n) + " ";
        if (n < 2'000) {
            CHECK(r->push(n + 1, "", after(0s)) == outcome::held);
            CHECK(r->push(n, "", after(0s)) == outcome::duplicate);
        }
        r->advance(after(1h));
        --inside;
    };
    const auto gap = [&](const sequence_gap& g) {
        CHECK(r->push(g.last_missing, "", after(1h)) == outcome::straggler);
        r->flush();
    };
    r.emplace(functions{.deliver = deliver, .gap = gap}, resequencer_options{.first = 1, .capacity = 2});
    CHECK(r->push(1, "", after(0s)) == outcome::delivered);
    CHECK(text.size() == 9 * 2 + 90 * 3 + 900 * 4 + 1'001 * 5);
    CHECK(r->push(2'010, "", after(0s)) == outcome::held);
    CHECK(r->push(2'011, "", after(0s)) == outcome::held);
    r->advance(after(3h));
    CHECK(r->stats().held == 0);
    CHECK(r->stats().stragglers == 1);
    check_account(r->stats());
}

TEST_CASE("what a handler pushes and nobody can hold is handed over") {
    std::optional<order> r;
    account seen;
    functions all = seen.all();
    std::vector<outcome> inside;
    all.deliver = [&](std::uint64_t n, const std::string&) {
        if (n != 1) return;
        for (std::uint64_t more : {4U, 5U, 6U}) inside.push_back(r->push(more, "", after(0s)));
    };
    r.emplace(std::move(all), resequencer_options{.first = 1, .capacity = 2});
    r->push(2, "", after(0s));
    r->push(1, "", after(0s));
    CHECK(inside == std::vector{outcome::held, outcome::full, outcome::full});
    CHECK(seen.text == "full:5 full:6 ");
    CHECK(r->stats().held == 1);
    check_account(r->stats());
}

TEST_CASE("a handler may destroy the resequencer: no other is called, and captures live until it returns") {
    for (const std::string by : {"deliver", "gap", "stray", "crowd"}) {
        std::optional<order> r;
        const auto captured = std::make_shared<int>(7);
        int calls = 0;
        const auto end = [&, captured] {
            ++calls;
            r.reset();
            CHECK(captured.use_count() > 1);
        };
        const auto deliver = [&, end](std::uint64_t n, const std::string& e) {
            if (by == "deliver" && n == 2) end();
            CHECK(e == "event");
        };
        const auto gap = [&, end](const sequence_gap&) {
            if (by == "gap" || by == "crowd") end();
        };
        const auto stray = [&, end](const stray_event<std::string>& s) {
            if (by == "stray") end();
            CHECK(s.event == "event");
        };
        const auto others = captured.use_count();
        r.emplace(functions{.deliver = deliver, .gap = gap, .stray = stray},
                  resequencer_options{.first = 1, .capacity = 4});
        for (std::uint64_t n : {2U, 3U, 5U, 7U}) r->push(n, "event", after(0s));
        if (by == "deliver") CHECK(r->push(1, "event", after(0s)) == outcome::delivered);
        if (by == "gap") r->flush();
        if (by == "stray") CHECK(r->push(7, "event", after(0s)) == outcome::duplicate);
        if (by == "crowd") CHECK(r->push(9, "event", after(0s)) == outcome::ended);
        CHECK(calls == 1);
        CHECK(captured.use_count() == others);
    }
}

TEST_CASE("an event need only be movable, and is its handler's to move from") {
    std::vector<std::unique_ptr<int>> kept;
    resequencer<std::unique_ptr<int>> r{
        {.deliver = [&](std::uint64_t, std::unique_ptr<int>&& e) { kept.push_back(std::move(e)); },
         .stray = [&](const stray_event<std::unique_ptr<int>>& s) { kept.push_back(std::move(s.event)); }},
        {.first = 1}};
    r.push(2, std::make_unique<int>(2), after(0s));
    r.push(2, std::make_unique<int>(3), after(0s));
    r.push(1, std::make_unique<int>(1), after(0s));
    REQUIRE(kept.size() == 3);
    CHECK(*kept[0] == 3);
    CHECK(*kept[1] == 1);
    CHECK(*kept[2] == 2);
}

// --- Bounds ----------------------------------------------------------------------------------------------------------

TEST_CASE("whatever comes, memory stays at its bound") {
    if (!support::counts_allocations) return;
    resequencer<std::uint64_t> r{{.deliver = [](std::uint64_t, std::uint64_t) {}},
                                 {.first = 0, .patience = 1s, .capacity = 100, .longest_jump = last_number}};
    const auto before = support::bytes_in_use.load();
    std::int64_t most = 0;
    std::mt19937_64 random{1};
    for (std::uint64_t n = 0; n < 1'000'000; ++n) {
        r.push(n * 100 + random() % 2'000, n, after(0s));
        if (n % 97 == 0) most = std::max(most, support::bytes_in_use.load() - before);
    }
    check_account(r.stats());
    CHECK(r.stats().crowded_out > 1'000);
    CHECK(r.stats().high_water == 100);
    CHECK(most <= 100 * 120);
    r.flush();
    CHECK(support::bytes_in_use.load() == before);
}

TEST_CASE("where there is no memory to hold an event it fails, and its number is free") {
    if (!support::counts_allocations) return;
    account seen;
    order r{seen.all(), {.first = 1}};
    const std::string text(100, 'x');
    {
        std::string copy = text;
        const support::failing_allocation fails{1, support::failing::from_then_on};
        CHECK_THROWS_AS(r.push(2, std::move(copy), after(0s)), std::bad_alloc);
    }
    CHECK(r.stats().failed == 1);
    CHECK(r.push(2, text, after(0s)) == outcome::held);
    r.push(1, text, after(0s));
    CHECK(seen.text == "1 2 ");
    check_account(r.stats());
}

TEST_CASE("an event in its turn allocates nothing, and neither do gaps") {
    if (!support::counts_allocations) return;
    resequencer<int> r{{.deliver = [](std::uint64_t, int) {}}, {.first = 0, .patience = 0s, .remembered_gaps = 3}};
    r.push(1, 1, after(0s));
    const auto before = support::allocated_here;
    for (std::uint64_t n = 2; n < 100; ++n) r.push(n, 1, after(0s));
    CHECK(support::allocated_here == before);
    for (std::uint64_t n = 101; n < 121; n += 2) r.push(n, 1, after(0s));  // held for a moment, one block each
    CHECK(support::allocated_here == before + 10);
}

// --- Against a naive model -------------------------------------------------------------------------------------------

namespace {

/// The slow way, with nothing but sets and searches.
class naive {
public:
    std::uint64_t next = 0, jump = 0;
    std::int64_t patience = 0;
    std::size_t capacity = 1, remembered = 1;
    unsigned believed_after = 1;
    std::string text;

    outcome push(std::uint64_t n, std::int64_t now) {
        now_ = std::max(now_, now);
        const outcome became = take(n);
        if (became != outcome::held && became != outcome::delivered) {
            static const char* const names[] = {"?", "?", "duplicate", "straggler", "old", "far", "full", "ended"};
            text += std::string{names[static_cast<int>(became)]} + ":" + std::to_string(n) + " ";
        }
        settle();
        return became == outcome::held && delivered_.count(n) != 0 ? outcome::delivered : became;
    }
    void advance(std::int64_t now) {
        now_ = std::max(now_, now);
        settle();
    }
    void flush() {
        while (!held_.empty()) give_up_first();
    }

private:
    struct held {
        std::uint64_t n;
        std::int64_t since;
    };

    outcome take(std::uint64_t n) {
        std::uint64_t reach = next;
        for (const auto& h : held_) reach = std::max(reach, h.n);
        if (n > reach + jump) {
            if (!far_.empty() && far_.back() + 1 != n) far_.clear();
            far_.push_back(n);
            if (far_.size() < believed_after) return outcome::too_far_ahead;
        }
        far_.clear();
        for (;;) {
            if (n < next) {
                if (n < known_from_) return outcome::too_old;
                return delivered_.count(n) != 0 ? outcome::duplicate : outcome::straggler;
            }
            if (std::any_of(held_.begin(), held_.end(), [&](const held& h) { return h.n == n; }))
                return outcome::duplicate;
            if (n == next) {
                deliver(n);
                return outcome::delivered;
            }
            if (held_.size() < capacity) {
                held_.push_back({n, now_});
                return outcome::held;
            }
            if (n < first()) gap_until(n);
            else give_up_first();
        }
    }
    std::uint64_t first() const {
        std::uint64_t least = last_number;
        for (const auto& h : held_) least = std::min(least, h.n);
        return least;
    }
    void give_up_first() {
        const std::uint64_t n = first();
        if (n != next) gap_until(n);
        in_order();
    }
    void gap_until(std::uint64_t n) {
        text += "[" + std::to_string(next) + "-" + std::to_string(n - 1) + "] ";
        gaps_.push_back({next, n - 1});
        if (gaps_.size() > remembered) known_from_ = gaps_[gaps_.size() - remembered - 1].last_missing + 1;
        next = n;
    }
    void deliver(std::uint64_t n) {
        text += std::to_string(n) + " ";
        delivered_.insert(n);
        next = n + 1;
    }
    void in_order() {
        for (;;) {
            const auto found = std::find_if(held_.begin(), held_.end(), [&](const held& h) { return h.n == next; });
            if (found == held_.end()) return;
            held_.erase(found);
            deliver(next);
        }
    }
    void settle() {
        in_order();
        while (std::any_of(held_.begin(), held_.end(), [&](const held& h) { return now_ - h.since >= patience; }))
            give_up_first();
    }

    std::vector<held> held_;
    std::vector<sequence_gap> gaps_;
    std::set<std::uint64_t> delivered_;
    std::vector<std::uint64_t> far_;
    std::uint64_t known_from_ = 0;
    std::int64_t now_ = -1'000'000;
};

}  // namespace

TEST_CASE("order is that of a naive model") {
    std::mt19937_64 random{support::fresh_seed("resequencer")};
    const auto below = [&](std::uint64_t n) { return random() % n; };
    for (int round = 0; round < 1'000; ++round) {
        naive model;
        model.jump = 1 + below(60);
        model.patience = static_cast<std::int64_t>(below(30));
        model.capacity = 1 + below(10);
        model.remembered = 1 + below(5);
        model.believed_after = static_cast<unsigned>(1 + below(3));
        account seen;
        order r{seen.all(),
                {.first = 0,
                 .patience = span{model.patience},
                 .capacity = model.capacity,
                 .longest_jump = model.jump,
                 .believed_after = model.believed_after,
                 .remembered_gaps = model.remembered}};
        std::int64_t now = 0;
        std::uint64_t sent = 0;
        const bool orderly = below(2) == 0;
        for (int n = 0; n < 300; ++n) {
            now += static_cast<std::int64_t>(below(4)) - (below(20) == 0 ? 10 : 0);
            if (below(100) == 0) {
                model.flush();
                r.flush();
            } else if (below(20) == 0) {
                model.advance(now);
                r.advance(after(span{now}));
            } else {
                sent += below(orderly ? 10 : 3) == 0 ? below(8) : 1;
                if (below(100) == 0) sent += below(200);
                std::uint64_t number = sent;
                if (below(3) == 0) number = sent + below(12) - std::min<std::uint64_t>(sent, 6);
                if (below(50) == 0) number += below(150);
                const outcome expected = model.push(number, now);
                REQUIRE(r.push(number, "", after(span{now})) == expected);
            }
            REQUIRE(seen.text == model.text);
        }
        check_account(r.stats());
        CHECK(r.stats().high_water <= model.capacity);
    }
}

// --- On a bus --------------------------------------------------------------------------------------------------------

TEST_CASE("behind an asynchronous subscription, publishers of several threads push one at a time") {
    struct reading {
        std::uint64_t n;
    };
    std::vector<std::uint64_t> seen;
    resequencer<reading> r{{.deliver = [&](std::uint64_t n, const reading&) { seen.push_back(n); }},
                           {.first = 0, .patience = 24h, .capacity = 10'000}};
    bus b;
    const auto taken = b.subscribe([&](const reading& e) { r.push(e.n, e, after(0s)); }, async);
    const auto publish = [&](std::uint64_t from) {
        for (std::uint64_t n = from; n < 2'000; n += 2) b.publish(reading{n});
    };
    std::thread one{publish, 0};
    std::thread other{publish, 1};
    one.join();
    other.join();
    b.drain();
    REQUIRE(seen.size() == 2'000);
    for (std::uint64_t n = 0; n < 2'000; ++n) CHECK(seen[n] == n);
    check_account(r.stats());
}
