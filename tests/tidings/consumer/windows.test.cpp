// One file of the program replaces operator new.
#include "support/allocations.hpp"

#include "support/catch.hpp"
#include "support/seed.hpp"

#include <tidings/consumer/windows.hpp>
#include <tidings/executor/thread_pool.hpp>
#include <tidings/tidings.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using namespace tidings;
using duration = event_time::duration;

constexpr event_time at(std::int64_t ticks) { return event_time{duration{ticks}}; }
constexpr event_time after(duration d) { return event_time{d}; }

using sums = window_aggregator<std::string, int, int>;
using seen_window = window<std::string, int>;
using missed_int = missed_event<std::string, int>;
using functions = window_functions<std::string, int, int>;

constexpr auto add_up = [](int& sum, int n) { sum += n; };

/// What an aggregator of sums said.
struct account {
    window_functions<std::string, int, int> aligned() {
        return {.fold = [](int& sum, int n) { sum += n; },
                .closed = [this](seen_window&& w) { closed.push_back(std::move(w)); },
                .missed = [this](const missed_int& m) { missed.emplace_back(m.why, m.event); }};
    }
    session_functions<std::string, int, int> sessions() {
        return {.fold = [](int& sum, int n) { sum += n; },
                .merge = [](int& to, int from) { to += from; },
                .closed = [this](seen_window&& w) { closed.push_back(std::move(w)); },
                .missed = [this](const missed_int& m) { missed.emplace_back(m.why, m.event); }};
    }
    std::string text() const {
        std::string all;
        for (const auto& w : closed)
            all += w.key + "[" + std::to_string(w.start.time_since_epoch() / 1s) + "," +
                   std::to_string(w.end.time_since_epoch() / 1s) + ")=" + std::to_string(w.value) + "/" +
                   std::to_string(w.count) + " ";
        return all;
    }
    std::vector<seen_window> closed;
    std::vector<std::pair<window_outcome, int>> missed;
};

void check_account(const window_stats& s) {
    CHECK(s.added == s.accounted());
    CHECK(s.opened == s.closed + s.merged + s.open);
    CHECK(s.high_water >= s.open);
}

}  // namespace

TEST_CASE("tumbling windows close when the watermark comes to their end") {
    account seen;
    sums minutes{tumbling(1min), seen.aligned(), {.allowed_lateness = 10s}};
    CHECK(minutes.add(after(5s), "a", 1) == window_outcome::taken);
    CHECK(minutes.add(after(59s), "a", 2) == window_outcome::taken);
    CHECK(minutes.add(after(60s), "a", 4) == window_outcome::taken);
    CHECK(minutes.add(after(0s), "a", 8) == window_outcome::taken);  // late, and allowed to be
    CHECK(minutes.add(after(70s) - duration{1}, "b", 16) == window_outcome::taken);
    CHECK(seen.closed.empty());
    CHECK(minutes.add(after(70s), "a", 32) == window_outcome::taken);
    CHECK(seen.text() == "a[0,60)=11/3 ");
    CHECK(minutes.watermark() == after(60s));
    CHECK(minutes.add(after(59s), "b", 64) == window_outcome::late);
    CHECK(seen.missed == std::vector{std::pair{window_outcome::late, 64}});
    minutes.flush();
    CHECK(seen.text() == "a[0,60)=11/3 a[60,120)=36/2 b[60,120)=16/1 ");
    check_account(minutes.stats());
    CHECK(minutes.stats().open == 0);
}

TEST_CASE("sliding windows overlap, and an event is in those that are open still") {
    account seen;
    sums w{sliding(3s, 1s), seen.aligned()};
    w.add(after(10s), "a", 1);
    CHECK(w.stats().open == 3);
    w.add(after(11s), "a", 2);  // closes [8, 11)
    CHECK(seen.text() == "a[8,11)=1/1 ");
    CHECK(w.add(after(10s), "a", 4) == window_outcome::taken);  // not in [8, 11)
    CHECK(w.stats().partly_late == 1);
    CHECK(w.add(after(7s), "a", 8) == window_outcome::late);
    w.flush();
    CHECK(seen.text() == "a[8,11)=1/1 a[9,12)=7/3 a[10,13)=7/3 a[11,14)=2/1 ");
    check_account(w.stats());
}

TEST_CASE("an offset moves where windows begin, also before the epoch") {
    account seen;
    sums w{tumbling(10s, 3s), seen.aligned(), {.allowed_lateness = 1h}};
    w.add(after(2s), "a", 1);
    w.add(after(3s), "a", 2);
    w.add(after(-7s), "a", 4);
    w.add(after(-8s), "a", 8);
    w.flush();
    CHECK(seen.text() == "a[-17,-7)=8/1 a[-7,3)=5/2 a[3,13)=2/1 ");
}

TEST_CASE("sessions grow at both ends, and an event between two joins them") {
    account seen;
    sums w{session(10s), seen.sessions(), {.allowed_lateness = 1h}};
    w.add(after(100s), "a", 1);
    w.add(after(109s), "a", 2);
    w.add(after(119s), "a", 4);  // ten seconds after: another
    w.add(after(91s), "a", 8);
    w.add(after(125s), "b", 16);
    CHECK(w.stats().open == 3);
    w.add(after(110s), "a", 32);
    CHECK(w.stats().open == 2);
    CHECK(w.stats().merged == 1);
    w.flush();
    CHECK(seen.text() == "a[91,129)=47/5 b[125,135)=16/1 ");
    check_account(w.stats());
}

TEST_CASE("an event that reaches an open session is not late, however old it is") {
    account seen;
    sums w{session(10s), seen.sessions()};
    w.add(after(100s), "a", 1);
    w.add(after(105s), "b", 2);
    CHECK(w.add(after(95s), "b", 4) == window_outcome::late);  // its own session would end now
    CHECK(w.add(after(91s), "a", 8) == window_outcome::taken);
    w.flush();
    CHECK(seen.text() == "a[91,110)=9/2 b[105,115)=2/1 ");
}

TEST_CASE("windows of one end close in the order in which their keys came") {
    account seen;
    sums w{tumbling(10s), seen.aligned(), {.allowed_lateness = 10s}};
    for (const char* key : {"z", "m", "a"}) w.add(after(15s), key, 1);
    for (const char* key : {"a", "q", "z", "m"}) w.add(after(5s), key, 1);
    w.flush();
    CHECK(seen.text() == "z[0,10)=1/1 m[0,10)=1/1 a[0,10)=1/1 q[0,10)=1/1 z[10,20)=1/1 m[10,20)=1/1 a[10,20)=1/1 ");
}

TEST_CASE("advance_to closes without events, and never goes back") {
    account seen;
    sums w{tumbling(10s), seen.aligned(), {.allowed_lateness = 1min}};
    w.add(after(5s), "a", 1);
    w.advance_to(after(9s));
    CHECK(seen.closed.empty());
    w.advance_to(after(10s));
    CHECK(seen.text() == "a[0,10)=1/1 ");
    w.advance_to(after(-100s));
    CHECK(w.watermark() == after(10s));
    CHECK(w.add(after(9s), "a", 1) == window_outcome::late);
    CHECK(w.add(after(10s), "a", 1) == window_outcome::taken);
}

TEST_CASE("flush ends what is open, and no window is handed over twice") {
    account seen;
    sums w{tumbling(10s), seen.aligned(), {.allowed_lateness = 1min}};
    w.flush();
    CHECK(w.watermark() == event_time::min());
    w.add(after(5s), "a", 1);
    w.flush();
    CHECK(w.add(after(6s), "a", 1) == window_outcome::late);
    CHECK(w.add(after(10s), "a", 1) == window_outcome::taken);
    CHECK(seen.closed.size() == 1);
}

TEST_CASE("one event far in the future closes nothing, and is handed over") {
    account seen;
    sums w{tumbling(10s), seen.aligned(), {.longest_jump = 1min}};
    w.add(after(5s), "a", 1);
    CHECK(w.add(after(24h), "a", 2) == window_outcome::too_far_ahead);
    CHECK(w.add(after(65s) + duration{1}, "a", 4) == window_outcome::too_far_ahead);
    CHECK(seen.closed.empty());
    CHECK(w.add(after(6s), "a", 8) == window_outcome::taken);
    CHECK(w.add(after(65s), "a", 16) == window_outcome::taken);
    CHECK(seen.text() == "a[0,10)=9/2 ");
    CHECK(seen.missed ==
          std::vector{std::pair{window_outcome::too_far_ahead, 2}, std::pair{window_outcome::too_far_ahead, 4}});
    check_account(w.stats());
}

TEST_CASE("a source that has paused is believed again, and a wrong clock in between others is not") {
    account seen;
    sums w{tumbling(10s), seen.aligned(), {.longest_jump = 1min, .believed_after = 3}};
    w.add(after(5s), "a", 1);
    for (int n = 0; n < 10; ++n) {  // two in a row, again and again
        CHECK(w.add(after(24h), "a", 2) == window_outcome::too_far_ahead);
        CHECK(w.add(after(24h), "a", 2) == window_outcome::too_far_ahead);
        CHECK(w.add(after(5s), "a", 1) == window_outcome::taken);
    }
    for (int n = 1; n < 10; ++n) CHECK(w.add(after(n * 24h), "a", 2) == window_outcome::too_far_ahead);  // no two agree
    CHECK(seen.closed.empty());
    w.add(after(5s), "a", 1);
    CHECK(w.add(after(24h), "a", 2) == window_outcome::too_far_ahead);
    CHECK(w.add(after(24h - 30s), "a", 2) == window_outcome::too_far_ahead);
    CHECK(w.add(after(24h + 10s), "a", 2) == window_outcome::taken);
    CHECK(seen.closed.size() == 1);
    CHECK(w.stats().jumps == 1);
    CHECK(w.add(after(24h + 20s), "a", 2) == window_outcome::taken);
    check_account(w.stats());
}

TEST_CASE("the first event is believed, unless advance_to has said where time is") {
    account seen;
    sums open{tumbling(10s), seen.aligned()};
    CHECK(open.add(after(1'000h), "a", 1) == window_outcome::taken);
    sums told{tumbling(10s), seen.aligned()};
    told.advance_to(after(0s));
    CHECK(told.add(after(1'000h), "a", 1) == window_outcome::too_far_ahead);
    CHECK(told.add(after(1h), "a", 1) == window_outcome::taken);
}

TEST_CASE("no more windows are open than may be, and what is closed makes room first") {
    account seen;
    sums w{tumbling(10s), seen.aligned(), {.max_open_windows = 2}};
    w.add(after(5s), "a", 1);
    w.add(after(5s), "b", 2);
    CHECK(w.add(after(5s), "c", 4) == window_outcome::full);
    CHECK(w.add(after(6s), "a", 8) == window_outcome::taken);
    CHECK(w.add(after(10s), "c", 16) == window_outcome::taken);
    CHECK(seen.text() == "a[0,10)=9/2 b[0,10)=2/1 ");
    CHECK(seen.missed == std::vector{std::pair{window_outcome::full, 4}});
    CHECK(w.stats().high_water == 2);
    check_account(w.stats());
}

TEST_CASE("an event whose windows do not all fit is in none of them") {
    account seen;
    sums w{sliding(3s, 1s), seen.aligned(), {.max_open_windows = 4}};
    CHECK(w.add(after(10s), "a", 1) == window_outcome::taken);
    CHECK(w.add(after(10s), "b", 2) == window_outcome::full);
    CHECK(w.add(after(11s), "a", 4) == window_outcome::taken);  // one closes, one opens
    CHECK(w.add(after(12s), "b", 8) == window_outcome::full);
    CHECK(w.stats().open == 2);  // that moved the watermark none the less
    sums never{sliding(1h, 1s), seen.aligned(), {.max_open_windows = 3'599}};
    CHECK(never.add(after(0s), "a", 1) == window_outcome::full);
    sums ticks{sliding(24h, duration{1}), seen.aligned()};  // ten to the fourteen windows
    CHECK(ticks.add(after(0s), "a", 1) == window_outcome::full);
    sums none{session(1s), seen.sessions(), {.max_open_windows = 0}};  // one, at least
    CHECK(none.add(after(0s), "a", 1) == window_outcome::taken);
    CHECK(none.add(after(0s), "b", 1) == window_outcome::full);
    CHECK(none.add(after(0s), "a", 1) == window_outcome::taken);
}

TEST_CASE("the ends of time, and of numbers, overflow nothing") {
    constexpr duration most = duration::max();
    const auto ends = {
        event_time::min(), event_time::min() + duration{1}, at(-1), at(0), at(1), event_time::max() - duration{1},
        event_time::max()};
    for (const duration size : {duration{1}, duration{7}, duration{1h}, most / 2 + duration{1}, most})
        for (const duration offset : {duration::min(), duration{-1}, duration{0}, duration{3}, most})
            for (const duration lateness : {duration::min(), duration{0}, duration{1}, most}) {
                const window_options how{.allowed_lateness = lateness, .longest_jump = lateness, .believed_after = 0};
                account aligned;
                account gaps;
                sums w{sliding(size, size / 3, offset), aligned.aligned(), how};
                sums s{session(size), gaps.sessions(), how};
                for (const event_time t : ends) {
                    w.add(t, "a", 1);
                    CHECK(w.add(t, "b", 1) == window_outcome::taken);
                    s.add(t, "a", 1);
                    CHECK(s.add(t, "b", 1) == window_outcome::taken);
                }
                w.flush();
                s.flush();
                for (const auto& closed : aligned.closed) CHECK(closed.start <= closed.end);
                for (const auto& closed : gaps.closed) CHECK(closed.start <= closed.end);
                CHECK(w.stats().open == 0);
                check_account(w.stats());
                check_account(s.stats());
                w.advance_to(event_time::max());
                CHECK(w.add(event_time::max(), "a", 1) == window_outcome::late);
                w.advance_to(event_time::min());
                w.flush();
            }
}

TEST_CASE("time that goes backwards opens nothing that is closed") {
    account seen;
    sums w{tumbling(1s), seen.aligned()};
    for (int n = 1'000; n > 0; --n) w.add(after(n * 1s), "a", 1);
    CHECK(w.stats().taken == 1);
    CHECK(w.stats().late == 999);
    CHECK(seen.missed.size() == 999);
}

TEST_CASE("a fold that throws leaves no window behind that it opened") {
    int handed = 0;
    sums w{sliding(3s, 1s),
           {.fold =
                [](int& sum, int n) {
                    if (n < 0) throw std::runtime_error{"negative"};
                    sum += n;
                },
            .closed = [&](const seen_window&) { ++handed; }},
           {.allowed_lateness = 1h}};
    CHECK_THROWS_AS(w.add(after(10s), "a", -1), std::runtime_error);
    CHECK(w.stats().open == 0);
    CHECK(w.add(after(10s), "a", 1) == window_outcome::taken);
    CHECK_THROWS_AS(w.add(after(11s), "a", -1), std::runtime_error);
    CHECK(w.stats().open == 3);
    CHECK(w.stats().failed == 2);
    check_account(w.stats());
    w.flush();
    CHECK(handed == 3);
}

TEST_CASE("a session whose fold or merge throws keeps its bounds") {
    bool fails = false;
    std::vector<seen_window> closed;
    sums w{session(10s),
           {.fold =
                [&](int& sum, int n) {
                    if (n < 0) throw std::runtime_error{"negative"};
                    sum += n;
                },
            .merge =
                [&](int& to, int from) {
                    if (fails) throw std::runtime_error{"merge"};
                    to += from;
                },
            .closed = [&](seen_window&& x) { closed.push_back(std::move(x)); }},
           {.allowed_lateness = 1h}};
    w.add(after(0s), "a", 1);
    w.add(after(15s), "a", 2);
    CHECK_THROWS(w.add(after(8s), "c", -4));
    fails = true;
    CHECK_THROWS(w.add(after(8s), "a", 4));
    CHECK(w.stats().open == 2);
    fails = false;
    CHECK_THROWS(w.add(after(8s), "a", -4));  // they are merged, and stay so
    CHECK(w.stats().open == 1);
    CHECK_THROWS(w.add(after(23s), "a", -4));
    check_account(w.stats());
    w.flush();
    REQUIRE(closed.size() == 1);
    CHECK(closed[0].end == after(25s));
    CHECK(closed[0].value == 3);
    CHECK(closed[0].count == 2);
}

TEST_CASE("a handler that throws keeps no window from the others, and comes out at the end") {
    std::string handed;
    sums w{tumbling(10s),
           {.fold = [](int& sum, int n) { sum += n; },
            .closed =
                [&](const seen_window& x) {
                    handed += x.key;
                    throw std::runtime_error{x.key};
                },
            .missed = [](const missed_int&) { throw std::logic_error{"missed"}; }}};
    for (const char* key : {"a", "b", "c"}) w.add(after(0s), key, 1);
    CHECK_THROWS_WITH(w.add(after(10s), "d", 1), "a");
    CHECK(handed == "abc");
    CHECK(w.stats().taken == 4);
    CHECK(w.stats().handler_failures == 3);
    CHECK_THROWS_AS(w.add(after(0s), "d", 1), std::logic_error);
    CHECK_THROWS_WITH(w.flush(), "d");
    CHECK(w.stats().late == 1);
    CHECK(w.stats().handler_failures == 5);
    check_account(w.stats());
}

TEST_CASE("a handler may add events: they close nothing inside, and are not lost") {
    std::optional<sums> w;
    std::string handed;
    int inside = 0;
    int deepest = 0;
    const auto close = [&](const seen_window& x) {
        deepest = std::max(deepest, ++inside);
        handed += x.key;
        if (x.key == "a") CHECK(w->add(x.end, "next", 1) == window_outcome::taken);
        if (x.key == "b") CHECK(w->add(after(25s), "far", 1) == window_outcome::taken);  // closes what is added by "a"
        --inside;
    };
    const auto miss = [&](const missed_int&) { w->add(after(100s), "again", 1); };
    w.emplace(tumbling(10s), functions{.fold = add_up, .closed = close, .missed = miss});
    for (const char* key : {"a", "b", "c"}) w->add(after(0s), key, 1);
    CHECK(w->add(after(15s), "d", 1) == window_outcome::taken);  // came before "far", and is not late by it
    CHECK(handed == "abcnextd");
    CHECK(w->stats().open == 1);
    check_account(w->stats());
    CHECK(deepest == 1);
}

TEST_CASE("the fold function may not add, and is told") {
    std::optional<sums> w;
    std::vector<window_outcome> inside;
    int told = 0;
    const auto fold = [&](int& sum, int n) {
        sum += n;
        inside.push_back(w->add(after(100s), "b", 1));
        w->advance_to(after(1h));
        w->flush();
    };
    const auto miss = [&](const missed_int& m) { told += m.why == window_outcome::nested ? 1 : 0; };
    w.emplace(tumbling(10s), functions{.fold = fold, .closed = [](const seen_window&) {}, .missed = miss});
    w->add(after(0s), "a", 1);
    CHECK(inside == std::vector{window_outcome::nested});
    CHECK(told == 1);
    CHECK(w->stats().taken == 1);
    CHECK(w->stats().closed == 1);  // by the watermark that it moved, when it had returned
    check_account(w->stats());
}

TEST_CASE("a handler may destroy the aggregator: no other is called, and captures live until it returns") {
    for (const bool by_missed : {false, true}) {
        std::optional<sums> w;
        const auto captured = std::make_shared<int>(7);
        int calls = 0;
        const auto close = [&, captured](const seen_window& x) {
            ++calls;
            w.reset();
            CHECK(captured.use_count() > 1);
            CHECK(x.value == 1);
        };
        const auto miss = [&, captured](const missed_int& m) {
            ++calls;
            w.reset();
            CHECK(captured.use_count() > 1);
            CHECK(m.event == 9);
        };
        const auto others = captured.use_count();
        w.emplace(tumbling(10s), functions{.fold = add_up, .closed = close, .missed = miss});
        for (const char* key : {"a", "b", "c"}) w->add(after(15s), key, 1);
        CHECK(captured.use_count() == others + 2);
        if (by_missed) CHECK(w->add(after(0s), "a", 9) == window_outcome::late);
        else CHECK(w->add(after(20s), "a", 1) == window_outcome::ended);
        CHECK(calls == 1);
        CHECK(captured.use_count() == others);
    }
}

TEST_CASE("a window's value and key are the handler's to move from") {
    std::vector<std::unique_ptr<int>> kept;
    window_aggregator<std::string, std::unique_ptr<int>, int> w{
        session(1s),
        {.fold =
             [](std::unique_ptr<int>& v, int n) {
                 if (v == nullptr) v = std::make_unique<int>(0);
                 *v += n;
             },
         .merge = [](std::unique_ptr<int>& to, std::unique_ptr<int>&& from) { *to += *from; },
         .closed = [&](window<std::string, std::unique_ptr<int>>&& x) { kept.push_back(std::move(x.value)); }},
        {.allowed_lateness = 1h}};
    w.add(after(0ms), "a", 1);
    w.add(after(1'500ms), "a", 2);
    w.add(after(750ms), "a", 4);
    w.flush();
    REQUIRE(kept.size() == 1);
    CHECK(*kept[0] == 7);
}

// --- Bounds ----------------------------------------------------------------------------------------------------------

TEST_CASE("ten million keys leave memory at its bound") {
    if (!support::counts_allocations) return;
    std::uint64_t handed = 0;
    std::int64_t most = 0;
    window_aggregator<std::uint64_t, int, int> w{
        tumbling(1ms),
        {.fold = [](int& sum, int n) { sum += n; }, .closed = [&](const window<std::uint64_t, int>&) { ++handed; }},
        {.max_open_windows = 1'000}};
    const auto before = support::bytes_in_use.load();
#if TIDINGS_HAS_ASAN || TIDINGS_HAS_TSAN
    constexpr std::uint64_t keys = 300'000;
#else
    constexpr std::uint64_t keys = 10'000'000;
#endif
    for (std::uint64_t n = 0; n < keys; ++n) {
        w.add(after(std::chrono::microseconds{n}), n, 1);
        if (n % 1'000 == 999) most = std::max(most, support::bytes_in_use.load() - before);
    }
    w.flush();
    CHECK(handed == keys);
    CHECK(w.stats().high_water == 1'000);
    CHECK(most < 1'000 * 400);
    CHECK(support::bytes_in_use.load() - before < 1'000 * 40);  // the table of keys keeps its places
}

TEST_CASE("where memory runs out an event fails, and nothing else") {
    if (!support::counts_allocations) return;
    const std::string long_a(100, 'a');
    const std::string long_b(100, 'b');
    for (const bool by_session : {false, true})
        for (int n = 1; n < 100; ++n) {
            int closed = 0;
            int total = 0;
            const auto fold = [](int& sum, int by) { sum += by; };
            const auto close = [&](const seen_window& x) { ++closed, total += x.value; };
            std::optional<sums> w;
            if (by_session)
                w.emplace(session(10s),
                          session_functions<std::string, int, int>{
                              .fold = fold, .merge = [](int& to, int from) { to += from; }, .closed = close},
                          window_options{.allowed_lateness = 1h});
            else
                w.emplace(sliding(30s, 10s), window_functions<std::string, int, int>{.fold = fold, .closed = close},
                          window_options{.allowed_lateness = 1h});
            int taken = 0;
            bool happened = false;
            for (const auto& [time, key] : {std::pair{0s, &long_a}, {15s, &long_b}, {15s, &long_a}, {8s, &long_a}}) {
                support::failing_allocation fails{n, support::failing::from_then_on};
                try {
                    w->add(after(time), *key, 1);
                    ++taken;
                } catch (const std::bad_alloc&) {
                    happened = true;
                }
            }
            {
                const support::failing_allocation fails{1, support::failing::from_then_on};
                w->flush();  // needs none
            }
            const window_stats s = w->stats();
            check_account(s);
            CHECK(s.taken == static_cast<std::uint64_t>(taken));
            CHECK(s.open == 0);
            if (by_session) CHECK(total == taken);
            else CHECK(total >= 3 * taken);  // of one that failed, some windows have it
            if (!happened) break;
            REQUIRE(n < 99);
        }
}

TEST_CASE("once its windows are open, an event allocates nothing") {
    if (!support::counts_allocations) return;
    account seen;
    sums w{sliding(30s, 10s), seen.aligned()};
    sums s{session(10s), seen.sessions(), {.allowed_lateness = 1h}};
    const std::string key(100, 'k');
    w.add(after(0s), key, 1);
    s.add(after(0s), key, 1);
    const auto before = support::allocated_here;
    for (int n = 0; n < 100; ++n) w.add(after(n * 90ms), key, 1);
    for (int n = 0; n < 100; ++n) s.add(after(n * 9s), key, 1);
    CHECK(support::allocated_here == before);
}

// --- Against a naive model -------------------------------------------------------------------------------------------

namespace {

/// Windows the slow way: all events are kept, and looked through.
class naive {
public:
    struct result {
        int key;
        std::int64_t start;
        std::int64_t end;
        std::vector<int> events;
        friend bool operator==(const result&, const result&) = default;
    };

    std::int64_t size = 1, step = 1, offset = 0, lateness = 0, jump = 0;
    bool sessions = false;
    unsigned believed_after = 1;
    std::size_t most = 1;
    std::vector<result> closed;
    std::optional<std::int64_t> watermark;

    window_outcome add(std::int64_t t, int key, int event) {
        if (newest_ && t > *newest_ + jump) {
            const bool follows = !far_.empty() && std::abs(t - far_.back()) <= jump;
            if (!follows) far_.clear();
            far_.push_back(t);
            if (far_.size() < believed_after) return window_outcome::too_far_ahead;
        }
        far_.clear();
        newest_ = newest_ ? std::max(*newest_, t) : t;
        move_to(t - lateness);
        return sessions ? add_to_sessions(t, key, event) : add_to_aligned(t, key, event);
    }

    void advance_to(std::int64_t w) {
        newest_ = newest_ ? std::max(*newest_, w) : w;
        move_to(w);
    }
    void flush() {
        std::optional<std::int64_t> last;
        for (const auto& w : open_) last = last ? std::max(*last, w.end) : w.end;
        if (last) advance_to(std::max(*last, watermark.value_or(*last)));
    }

private:
    void move_to(std::int64_t w) {
        watermark = watermark ? std::max(*watermark, w) : w;
        for (;;) {
            auto first = open_.end();
            const auto rank = [&](const result& r) {
                return std::tuple{r.end, std::find(arrivals_.begin(), arrivals_.end(), r.key), r.start};
            };
            for (auto each = open_.begin(); each != open_.end(); ++each)
                if (each->end <= *watermark && (first == open_.end() || rank(*each) < rank(*first))) first = each;
            if (first == open_.end()) return;
            closed.push_back(*first);
            open_.erase(first);
            forget();
        }
    }
    void forget() {
        std::erase_if(arrivals_, [&](int key) {
            return std::none_of(open_.begin(), open_.end(), [&](const result& r) { return r.key == key; });
        });
    }
    void arrive(int key) {
        if (std::find(arrivals_.begin(), arrivals_.end(), key) == arrivals_.end()) arrivals_.push_back(key);
    }

    window_outcome add_to_aligned(std::int64_t t, int key, int event) {
        std::vector<std::int64_t> starts;
        std::size_t all = 0;
        for (std::int64_t s = t - size + 1; s <= t; ++s) {
            if (((s - offset) % step + step) % step != 0) continue;
            ++all;
            if (s + size > *watermark) starts.push_back(s);
        }
        if (all > most) return window_outcome::full;
        if (starts.empty()) return window_outcome::late;
        const auto find = [&](std::int64_t s) {
            return std::find_if(open_.begin(), open_.end(),
                                [&](const result& r) { return r.key == key && r.start == s; });
        };
        const auto wanted = std::count_if(starts.begin(), starts.end(), [&](auto s) { return find(s) == open_.end(); });
        if (open_.size() + static_cast<std::size_t>(wanted) > most) return window_outcome::full;
        arrive(key);
        for (const std::int64_t s : starts) {
            if (find(s) == open_.end()) open_.push_back({key, s, s + size, {}});
            find(s)->events.push_back(event);
        }
        return window_outcome::taken;
    }

    window_outcome add_to_sessions(std::int64_t t, int key, int event) {
        result made{key, t, t + size, {event}};
        std::vector<result> rest;
        for (auto& each : open_) {
            if (each.key == key && each.start < t + size && t < each.end) {
                made.start = std::min(made.start, each.start);
                made.end = std::max(made.end, each.end);
                made.events.insert(made.events.end(), each.events.begin(), each.events.end());
            } else {
                rest.push_back(each);
            }
        }
        if (rest.size() == open_.size()) {
            if (made.end <= *watermark) return window_outcome::late;
            if (open_.size() >= most) return window_outcome::full;
        }
        arrive(key);
        open_ = std::move(rest);
        open_.push_back(made);
        return window_outcome::taken;
    }

    std::vector<result> open_;
    std::vector<int> arrivals_;
    std::optional<std::int64_t> newest_;
    std::vector<std::int64_t> far_;
};

void compare(std::mt19937_64& random, bool sessions) {
    const auto below = [&](std::int64_t n) {
        return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(n));
    };
    naive model;
    model.sessions = sessions;
    model.size = 1 + below(20);
    model.step = 1 + below(model.size);
    model.offset = below(model.step);
    model.lateness = below(2) == 0 ? 0 : below(40);
    model.jump = 1 + below(60);
    model.believed_after = static_cast<unsigned>(1 + below(4));
    model.most = static_cast<std::size_t>(1 + below(30));

    using aggregator = window_aggregator<int, std::vector<int>, int>;
    std::vector<naive::result> closed;
    std::vector<int> missed;
    const auto fold = [](std::vector<int>& all, int n) { all.push_back(n); };
    const auto close = [&](window<int, std::vector<int>>&& x) {
        CHECK(x.count == x.value.size());
        closed.push_back({x.key, x.start.time_since_epoch().count(), x.end.time_since_epoch().count(), x.value});
    };
    const auto miss = [&](const missed_event<int, int>& m) { missed.push_back(m.event); };
    const window_options how{.allowed_lateness = duration{model.lateness},
                             .max_open_windows = model.most,
                             .longest_jump = duration{model.jump},
                             .believed_after = model.believed_after};
    std::optional<aggregator> real;
    if (sessions)
        real.emplace(session(duration{model.size}),
                     session_functions<int, std::vector<int>, int>{
                         .fold = fold,
                         .merge = [](std::vector<int>& to,
                                     std::vector<int>&& from) { to.insert(to.end(), from.begin(), from.end()); },
                         .closed = close,
                         .missed = miss},
                     how);
    else
        real.emplace(sliding(duration{model.size}, duration{model.step}, duration{model.offset}),
                     window_functions<int, std::vector<int>, int>{.fold = fold, .closed = close, .missed = miss}, how);

    std::int64_t now = below(1'000) - 500;
    std::vector<int> expected_missed;
    for (int n = 0; n < 300; ++n) {
        now += below(4);
        const auto what = below(100);
        if (what == 0) {
            model.flush();
            real->flush();
        } else if (what < 3) {
            const std::int64_t to = now - 30 + below(40);
            model.advance_to(to);
            real->advance_to(at(to));
        } else {
            if (what < 6) now += below(200);  // a pause
            const std::int64_t t = what < 15 ? now + below(200) : now - below(40);
            const int key = static_cast<int>(below(4));
            const window_outcome expected = model.add(t, key, n);
            REQUIRE(real->add(at(t), key, n) == expected);
            if (expected != window_outcome::taken) expected_missed.push_back(n);
        }
        REQUIRE(closed.size() == model.closed.size());
        if (model.watermark) REQUIRE(real->watermark() == at(*model.watermark));
    }
    model.flush();
    real->flush();
    const auto sorted = [](std::vector<naive::result> all) {
        for (auto& r : all) std::sort(r.events.begin(), r.events.end());
        return all;
    };
    REQUIRE(sorted(closed) == sorted(model.closed));
    REQUIRE(missed == expected_missed);
    check_account(real->stats());
    CHECK(real->stats().open == 0);
}

}  // namespace

TEST_CASE("windows are those of a naive model") {
    std::mt19937_64 random{support::fresh_seed("windows")};
    for (int n = 0; n < 300; ++n) {
        compare(random, false);
        compare(random, true);
    }
}

// --- On a bus --------------------------------------------------------------------------------------------------------

TEST_CASE("behind an asynchronous subscription, publishers of several threads add one at a time") {
    struct sale {
        int shop;
        int n;
    };
    std::uint64_t total = 0;
    window_aggregator<int, std::uint64_t, sale> w{
        tumbling(10ms),
        {.fold = [](std::uint64_t& sum, const sale& s) { sum += static_cast<std::uint64_t>(s.n); },
         .closed = [&](const window<int, std::uint64_t>& x) { total += x.value; }},
        {.allowed_lateness = 1h}};
    {
        thread_pool pool{2};
        bus b{{.executor = pool}};
        const auto taken = b.subscribe([&](const sale& s) { w.add(after(std::chrono::milliseconds{s.n}), s.shop, s); },
                                       tidings::async);
        const auto publish = [&](int shop) {
            for (int n = 1; n <= 1'000; ++n) b.publish(sale{shop, n});
        };
        std::thread one{publish, 1};
        std::thread other{publish, 2};
        one.join();
        other.join();
        b.drain();
        CHECK(taken.stats().failed == 0);
    }
    w.flush();
    CHECK(total == 2 * 500'500);
    check_account(w.stats());
}
