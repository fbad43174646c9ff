// The clock's timer thread on simulated threads and time.
#include "simulation/explore_case.hpp"
#include "simulation/sync.hpp"

#include <tidings/executor/system_clock.hpp>

#include <chrono>
#include <cstdint>

namespace {

using namespace tidings;
using namespace std::chrono_literals;
using simulation::require;
using simulation::scheduler;

/// Says when it rang, and that it did not ring early.
struct bell : detail::alarm {
    bell() : alarm{&bell::call} {}
    static void call(alarm& self) noexcept {
        auto& mine = static_cast<bell&>(self);
        require(base::steady_clock::now() >= mine.not_before, "an alarm rings early");
        mine.rang_at = base::steady_clock::now();
        if (mine.resets_left != 0) {
            --mine.resets_left;
            mine.not_before += 1ms;
            mine.home->call_at(mine, mine.not_before);
        }
        mine.ringing.store(true);
        mine.rung.fetch_add(1);  // the last touch: whoever waits for it may destroy all this
    }

    void set(detail::clock_port& clock, simulation::time_point when) {
        home = &clock;
        not_before = when;
        clock.call_at(*this, when);
    }
    void await(int times) const {
        while (rung.load() < times) scheduler::current()->sleep_for(100us);
    }

    detail::clock_port* home = nullptr;
    simulation::time_point not_before{};
    simulation::time_point rang_at{};
    int resets_left = 0;
    base::atomic<bool> ringing{false};
    base::atomic<int> rung{0};
};

/// Never early, and, where nothing else takes time, at the very moment; in any order of setting.
void alarms_ring_in_time(scheduler& run) {
    const auto start = run.now();
    bell bells[3];
    {
        detail::system_clock_port clock;
        for (bell& b : bells) {
            run.spawn("setter", [&] {
                b.set(clock, start + std::chrono::milliseconds{static_cast<std::int64_t>(run.random(4))});
            });
        }
        for (const bell& b : bells) b.await(1);
        run.join_all();  // the clock's thread, too, ends when nothing more is set
    }
    for (const bell& b : bells) {
        require(b.rung.load() == 1, "an alarm rang twice");
        require(b.rang_at == b.not_before, "an alarm rang late");
    }
}

/// One that is set while the thread sleeps for a later one, or is about to.
void an_earlier_alarm_is_set(scheduler& run) {
    const auto start = run.now();
    bell late;
    bell early;
    {
        detail::system_clock_port clock;
        run.spawn("first", [&] { late.set(clock, start + 24h); });
        run.spawn("second", [&] { early.set(clock, start + 1ms); });
        early.await(1);
        require(early.rang_at == start + 1ms, "the earlier alarm waited for the later one");
        require(run.now() < start + 24h, "the earlier alarm waited for the later one");
        while (late.home == nullptr || !clock.cancel(late)) base::yield();
        run.join_all();
    }
    require(late.rung.load() == 0, "an alarm rang that was taken back");
}

/// Two threads set and take back; another takes back what one of them set. Each alarm rings or is taken back, once.
void alarms_ring_or_are_taken_back(scheduler& run) {
    bell bells[4];
    base::atomic<int> taken_back[4] = {};
    base::atomic<bool> shared_is_set{false};
    const auto start = run.now();
    {
        detail::system_clock_port clock;
        const auto take_back = [&](int n) {
            if (clock.cancel(bells[n])) taken_back[n].fetch_add(1);
        };
        for (int t = 0; t < 2; ++t) {
            run.spawn("setter", [&, t] {
                bells[2 * t].set(clock, start + 1ms);
                bells[2 * t + 1].set(clock, start);
                if (t == 0) shared_is_set.store(true);
                if (run.random(2) == 0) run.sleep_until(start + 1ms);
                take_back(2 * t);
                take_back(2 * t + 1);
            });
        }
        run.spawn("other", [&] {
            while (!shared_is_set.load()) base::yield();
            take_back(0);
            take_back(1);
        });
        run.join_all();
    }
    for (int n = 0; n < 4; ++n)
        require(bells[n].rung.load() + taken_back[n].load() == 1, "an alarm did not end exactly once");
}

/// What cancel() has taken back may be destroyed; what it has not will ring, and may be waited for.
void cancelled_alarms_are_destroyed(scheduler& run) {
    const auto start = run.now();
    detail::system_clock_port clock;
    for (int t = 0; t < 2; ++t) {
        run.spawn("owner", [&] {
            for (int n = 0; n < 2; ++n) {
                bell mine;
                mine.set(clock, start + std::chrono::milliseconds{n});
                if (clock.cancel(mine)) {
                    base::preemption_point();
                    require(!mine.ringing.load(), "an alarm that was taken back rings");
                } else {
                    mine.await(1);
                }
                mine.not_before = simulation::never;  // nobody may ring it now
            }
        });
    }
    run.join_all();
}

/// From ring(): itself, while another thread sets and cancels.
void an_alarm_sets_itself(scheduler& run) {
    const auto start = run.now();
    bell again;
    bell other;
    again.resets_left = 3;
    {
        detail::system_clock_port clock;
        run.spawn("owner", [&] { again.set(clock, start); });
        run.spawn("other", [&] {
            other.set(clock, start + 2ms);
            if (!clock.cancel(other)) other.await(1);
            other.set(clock, start + 2ms);
        });
        again.await(4);
        run.join_all();
    }
    require(again.rung.load() == 4, "an alarm that set itself rang too often");
    require(again.rang_at == start + 3ms, "an alarm that set itself rang at another time");
    require(other.rung.load() == 1 || other.rung.load() == 2, "the other alarm was lost");
}

/// The clock ends while alarms are pending and one rings.
void a_clock_ends(scheduler& run) {
    const auto start = run.now();
    bell now;
    bell later;
    {
        detail::system_clock_port clock;
        now.set(clock, start);
        later.set(clock, start + 1ms);
        if (run.random(2) == 0) now.await(1);
    }
    const int rung = now.rung.load() + later.rung.load();
    now.not_before = simulation::never;
    later.not_before = simulation::never;
    run.join_all();
    require(now.rung.load() + later.rung.load() == rung, "an alarm rang after its clock had ended");
}

/// The thread ends when nothing is set for long, and begins anew, also at that very moment.
void the_thread_ends_and_begins(scheduler& run) {
    const auto start = run.now();
    bell first;
    bell second;
    bell third;
    {
        detail::system_clock_port clock;
        first.set(clock, start);
        first.await(1);
        const auto idle = first.rang_at + 10s;
        const auto late = run.spawn("late", [&] {
            run.sleep_until(idle);
            second.set(clock, idle);
        });
        const auto later = run.spawn("later", [&] {
            run.sleep_until(idle);
            third.set(clock, idle + 1ms);
        });
        run.join(late);
        run.join(later);
        second.await(1);
        third.await(1);
        run.join_all();
    }
    require(second.rung.load() == 1 && third.rung.load() == 1, "an alarm rang twice");
}

/// The process's clock: its thread does not outlive the run.
void the_process_has_a_clock(scheduler& run) {
    bell bells[2];
    for (bell& b : bells) run.spawn("setter", [&] { b.set(detail::default_clock(), run.now() + 1ms); });
    for (const bell& b : bells) b.await(1);
}

constexpr std::uint64_t schedules = tidings::simulation::schedules_of(50'000);

}  // namespace

TEST_CASE("simulated: alarms ring in time") { EXPLORE(schedules, alarms_ring_in_time); }

TEST_CASE("simulated: an earlier alarm is set while the thread sleeps") { EXPLORE(schedules, an_earlier_alarm_is_set); }

TEST_CASE("simulated: an alarm rings or is taken back, once") { EXPLORE(schedules, alarms_ring_or_are_taken_back); }

TEST_CASE("simulated: alarms that were taken back are destroyed") {
    EXPLORE(schedules, cancelled_alarms_are_destroyed);
}

TEST_CASE("simulated: an alarm sets itself") { EXPLORE(schedules, an_alarm_sets_itself); }

TEST_CASE("simulated: a clock ends while alarms are pending") { EXPLORE(schedules, a_clock_ends); }

TEST_CASE("simulated: the clock's thread ends and begins anew") { EXPLORE(schedules, the_thread_ends_and_begins); }

TEST_CASE("simulated: the process's clock ends with the program") { EXPLORE(schedules, the_process_has_a_clock); }
