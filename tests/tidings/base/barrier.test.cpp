#include <tidings/base/barrier.hpp>

#include <tidings/base/attachment.hpp>

#include "support/catch.hpp"
#include "support/waiting.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

namespace {

using support::flag;
using support::wait_until;
using tidings::base::attachment;
using tidings::base::barrier_result;
using tidings::base::domain;
using tidings::base::event_entry;
using tidings::base::publisher;
using tidings::base::runnable;
using tidings::base::slot;
using tidings::base::table_base;

/// A runnable that counts how often it was ended, and may do something then.
struct handler : runnable {
    handler() : runnable{&handler::destroy} { active = true; }

    static void destroy(runnable& self) noexcept {
        auto& mine = static_cast<handler&>(self);
        if (mine.at_end) mine.at_end();
        mine.ended.fetch_add(1);
    }

    std::function<void()> at_end;
    std::atomic<int> ended{0};
};

const event_entry type{1, "t", "t", {}};

const table_base table{&type};

/// Says in a slot of the calling thread that it runs `r`, as a publish does, until it leaves.
class running {
public:
    running(domain& home, handler& r) : here_{home}, r_{&r}, frame_{&(*here_).next_slot()} {
        frame_->table.store(&table, tidings::base::store_order);
        (*here_).open(*frame_, r_);
    }
    ~running() {
        frame_->running.store(publisher::between(), tidings::base::store_order);
        if ((*here_).home().asymmetric()) tidings::base::light_fence<true>();
        else tidings::base::light_fence<false>();
        if (!r_->active.load(tidings::base::load_order)) tidings::base::left_inactive(*here_, *r_);
        (*here_).close(*frame_);
    }
    running(const running&) = delete;
    running& operator=(const running&) = delete;

private:
    attachment here_;
    handler* r_;
    slot* frame_;
};

/// What reset() does.
barrier_result end(domain& home, handler& r) {
    const attachment here{home};
    r.active.store(false);
    home.heavy_fence(here.get());
    return tidings::base::wait_until_ended(home, here.get(), r);
}

TEST_CASE("what nobody runs is ended on the spot, and once") {
    domain home;
    handler r;
    CHECK(end(home, r) == barrier_result::ended);
    CHECK(r.ended == 1);
    CHECK(r.state == runnable::progress::ended);
    CHECK(end(home, r) == barrier_result::ended);
    CHECK(r.ended == 1);
}

TEST_CASE("a thread may end what it has no record for") {
    domain home;
    handler r;
    r.active = false;
    home.heavy_fence(nullptr);
    CHECK(tidings::base::wait_until_ended(home, nullptr, r) == barrier_result::ended);
    CHECK(r.ended == 1);
}

TEST_CASE("what the thread itself runs ends when its outermost run of it does") {
    domain home;
    handler r;
    {
        const running outer{home, r};
        {
            const running middle{home, r};
            {
                const running inner{home, r};
                CHECK(end(home, r) == barrier_result::running_here);
                CHECK(end(home, r) == barrier_result::running_here);
            }
            CHECK(r.ended == 0);
        }
        CHECK(r.ended == 0);
    }
    CHECK(r.ended == 1);
}

TEST_CASE("a handler that another one's thread runs as well is not confused with it") {
    domain home;
    handler r;
    handler other;
    const running outer{home, other};
    CHECK(end(home, r) == barrier_result::ended);
    CHECK(r.ended == 1);
}

TEST_CASE("what another thread runs is waited for") {
    domain home;
    handler r;
    flag entered;
    std::atomic<bool> returned{false};
    bool left_before_return = false;
    std::thread runs{[&] {
        const running here{home, r};
        entered.raise();
        wait_until([&] { return home.waits().waiting != 0 || returned; });
        left_before_return = !returned;
    }};
    entered.wait();
    CHECK(end(home, r) == barrier_result::ended);
    CHECK(r.ended == 1);
    returned = true;
    runs.join();
    CHECK(left_before_return);
    CHECK(home.waits().waiting == 0);
}

TEST_CASE("all threads that end the same runnable wait until its captures are destroyed") {
    domain home;
    handler r;
    constexpr std::uint32_t enders = 3;
    flag entered;
    std::atomic<std::uint32_t> returned{0};
    std::atomic<int> too_early{0};
    r.at_end = [&] {
        if (returned != 0) ++too_early;
    };
    std::thread runs{[&] {
        const running here{home, r};
        entered.raise();
        wait_until([&] { return home.waits().waiting == enders || returned != 0; });
    }};
    entered.wait();
    std::vector<std::thread> all;
    for (std::uint32_t n = 0; n != enders; ++n) {
        all.emplace_back([&] {
            const bool whole = end(home, r) == barrier_result::ended && r.ended == 1;
            if (!whole) ++too_early;
            ++returned;
        });
    }
    for (auto& each : all) each.join();
    runs.join();
    CHECK(too_early == 0);
    CHECK(r.ended == 1);
}

TEST_CASE("who comes while the captures are being destroyed waits for that too") {
    domain home;
    handler r;
    flag destroying;
    std::atomic<bool> returned{false};
    std::atomic<bool> too_early{false};
    r.at_end = [&] {
        destroying.raise();
        wait_until([&] { return home.waits().waiting != 0 || returned; });
        too_early = returned.load();
    };
    std::thread first{[&] { end(home, r); }};
    destroying.wait();
    CHECK(end(home, r) == barrier_result::ended);
    returned = true;
    first.join();
    CHECK_FALSE(too_early);
}

TEST_CASE("captures that end their own runnable are told that it runs here") {
    domain home;
    handler r;
    auto inside = barrier_result::ended;
    r.at_end = [&] { inside = end(home, r); };
    CHECK(end(home, r) == barrier_result::ended);
    CHECK(inside == barrier_result::running_here);
    CHECK(r.ended == 1);
}

/// Each of `handlers` runs on a thread of its own and then ends the next; returns what each was told.
template <std::size_t size>
std::array<barrier_result, size> end_in_a_ring(domain& home, std::array<handler, size>& handlers) {
    std::array<barrier_result, size> results{};
    std::atomic<std::size_t> entered{0};
    std::vector<std::thread> all;
    for (std::size_t n = 0; n != size; ++n) {
        all.emplace_back([&, n] {
            const running here{home, handlers[n]};
            ++entered;
            wait_until([&] { return entered == size; });
            results[n] = end(home, handlers[(n + 1) % size]);
        });
    }
    for (auto& each : all) each.join();
    return results;
}

template <std::size_t size>
void check_ring() {
    for (int round = 0; round != 50; ++round) {
        domain home;
        std::array<handler, size> handlers;
        std::size_t deadlocks = 0;
        for (const auto result : end_in_a_ring(home, handlers)) {
            CHECK(result != barrier_result::running_here);
            if (result == barrier_result::would_deadlock) ++deadlocks;
        }
        CHECK(deadlocks >= 1);
        CHECK(deadlocks < size);  // the others have their barrier
        for (const handler& each : handlers) CHECK(each.ended == 1);
        CHECK(home.waits().waiting == 0);
    }
}

TEST_CASE("two threads whose runnables end each other both return, and one is told why") { check_ring<2>(); }
TEST_CASE("three threads whose runnables end each other in a ring all return") { check_ring<3>(); }

TEST_CASE("a chain of waiting threads is no ring") {
    domain home;
    std::array<handler, 2> r;
    flag first_runs;
    flag second_runs;
    std::atomic<bool> too_early{false};
    std::thread first{[&] {  // runs 0, waits for nobody until both others wait
        const running here{home, r[0]};
        first_runs.raise();
        wait_until([&] { return home.waits().waiting == 2 || too_early; });
    }};
    std::thread second{[&] {  // runs 1, waits for 0
        first_runs.wait();
        const running here{home, r[1]};
        second_runs.raise();
        if (end(home, r[0]) != barrier_result::ended) too_early = true;
    }};
    first_runs.wait();
    second_runs.wait();
    CHECK(end(home, r[1]) == barrier_result::ended);  // waits for 1, and through it for 0
    first.join();
    second.join();
    CHECK_FALSE(too_early);
    CHECK(r[0].ended == 1);
    CHECK(r[1].ended == 1);
}

TEST_CASE("destroying captures counts as running them: a ring through it is found") {
    domain home;
    handler a;  // its captures end b
    handler b;  // runs on another thread, and ends a meanwhile
    flag destroying;
    flag b_runs;
    flag b_returned;
    auto from_captures = barrier_result::ended;
    auto from_b = barrier_result::ended;
    a.at_end = [&] {
        destroying.raise();
        wait_until([&] { return home.waits().waiting != 0 || b_returned.raised(); });  // b waits for a's captures
        from_captures = end(home, b);
    };
    std::thread runs_b{[&] {
        const running here{home, b};
        b_runs.raise();
        destroying.wait();
        from_b = end(home, a);
        b_returned.raise();
    }};
    b_runs.wait();
    CHECK(end(home, a) == barrier_result::ended);
    runs_b.join();
    CHECK(from_captures == barrier_result::would_deadlock);
    CHECK(from_b == barrier_result::ended);
    CHECK(a.ended == 1);
    CHECK(b.ended == 1);
}

/// Runs `round(who)` on two threads at the same moment, often; between rounds `check()` on one of them.
template <class Round, class Check>
void at_the_same_moment(int rounds, Round round, Check check) {
    support::meeting both;
    const auto run = [&](int who) {
        for (int n = 0; n != rounds; ++n) {
            both.meet(who);
            round(who, [&] { both.meet(who); });
            both.meet(who);
            if (who == 0) check();
        }
    };
    std::thread other{run, 1};
    run(0);
    other.join();
}

TEST_CASE("of two threads that end the same runnable at the same moment one does") {
    domain home;
    auto r = std::make_unique<handler>();
    std::array<int, 2> ended_at_return{};
    int wrong = 0;
    at_the_same_moment(
        20'000,
        [&](int who, auto) {
            handler& mine = *r;
            end(home, mine);
            ended_at_return.at(static_cast<std::size_t>(who)) = mine.ended;
        },
        [&] {
            if (r->ended != 1 || ended_at_return != std::array{1, 1}) ++wrong;
            r = std::make_unique<handler>();
        });
    CHECK(wrong == 0);
}

TEST_CASE("of two threads that leave an inactive runnable at the same moment one ends it") {
    domain home;
    auto r = std::make_unique<handler>();
    int wrong = 0;
    at_the_same_moment(
        50'000,
        [&](int, auto meet) {
            const running here{home, *r};
            meet();
            r->active = false;
            meet();
        },
        [&] {
            if (r->ended != 1) ++wrong;
            r = std::make_unique<handler>();
        });
    CHECK(wrong == 0);
}

TEST_CASE("what is ended while others run it over and over is a barrier against all of them") {
    domain home;
    handler* current = nullptr;
    std::atomic<int> runs_now{0};
    std::atomic<bool> over{false};
    std::atomic<int> wrong{0};
    auto r = std::make_unique<handler>();
    current = r.get();
    at_the_same_moment(
        5'000,
        [&](int who, auto) {
            handler& mine = *current;
            if (who == 0) {
                if (end(home, mine) != barrier_result::ended || mine.ended != 1 || runs_now != 0) ++wrong;
                over = true;
                return;
            }
            bool active = true;
            while (active) {
                const running here{home, mine};
                if (home.asymmetric()) tidings::base::light_fence<true>();
                else tidings::base::light_fence<false>();
                active = mine.active.load(tidings::base::load_order);
                if (!active) break;
                runs_now.fetch_add(1, std::memory_order_relaxed);
                if (over || mine.ended != 0) ++wrong;
                runs_now.fetch_sub(1, std::memory_order_relaxed);
            }
        },
        [&] {
            over = false;
            r = std::make_unique<handler>();
            current = r.get();
        });
    CHECK(wrong == 0);
}

}  // namespace
