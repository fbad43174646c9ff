#include <tidings/base/publisher.hpp>

#include <tidings/base/domain.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"

#include <atomic>
#include <new>
#include <thread>
#include <vector>

namespace {

using tidings::base::domain;
using tidings::base::event_entry;
using tidings::base::publish_tally;
using tidings::base::publisher;
using tidings::base::runnable;
using tidings::base::slot;
using tidings::base::table_base;

struct idle : runnable {
    idle() : runnable{[](runnable&) noexcept {}} {}
};

const event_entry type{1, "t", "t", {}};

table_base table_of_type() { return {&type}; }

void open(publisher& p, slot& s, const table_base& table, const runnable* first = publisher::between()) {
    s.table.store(&table);
    p.open(s, first);
}

TEST_CASE("a record begins with one closed slot, and names nothing") {
    const publisher p{domain::here(), true, 0};
    const idle r;
    const table_base table = table_of_type();
    CHECK_FALSE(p.publishing());
    CHECK_FALSE(p.runs(r));
    CHECK_FALSE(p.reads(&table));
    CHECK(p.waits == nullptr);
}

TEST_CASE("publishes in a row use the outermost slot, nested ones a slot each") {
    publisher p{domain::here(), true, 0};
    const table_base table = table_of_type();
    for (int round = 0; round != 3; ++round) {
        CAPTURE(round);
        slot& first = p.next_slot();
        CHECK(&first == &p.outermost());
        open(p, first, table);
        CHECK(p.publishing());
        slot& second = p.next_slot();
        CHECK(&second != &first);
        CHECK(second.outer == &first);
        open(p, second, table);
        slot& third = p.next_slot();
        CHECK(third.outer == &second);
        open(p, third, table);
        p.close(third);
        CHECK(&p.next_slot() == &third);
        p.close(second);
        CHECK(&p.next_slot() == &second);
        p.close(first);
        CHECK_FALSE(p.publishing());
        CHECK(&p.next_slot() == &first);
    }
}

TEST_CASE("a slot is made once for each depth") {
    publisher p{domain::here(), true, 0};
    const table_base table = table_of_type();
    constexpr int depth = 50;
    const auto nest = [&] {
        std::vector<slot*> made;
        made.reserve(depth);
        const auto before = support::allocated_here;
        for (int n = 0; n != depth; ++n) {
            made.push_back(&p.next_slot());
            open(p, *made.back(), table);
        }
        for (; !made.empty(); made.pop_back()) p.close(*made.back());
        return support::allocated_here - before;
    };
    CHECK(nest() == (support::counts_allocations ? depth - 1 : 0));
    CHECK(nest() == 0);
}

TEST_CASE("without memory for one more slot nothing changes") {
    if (!support::counts_allocations) return;
    publisher p{domain::here(), true, 0};
    const table_base table = table_of_type();
    slot& first = p.next_slot();
    open(p, first, table);
    {
        const support::failing_allocation now{1, support::failing::once};
        CHECK_THROWS_AS(p.next_slot(), std::bad_alloc);
    }
    CHECK(p.publishing());
    CHECK(p.reads(&table));
    slot& second = p.next_slot();
    CHECK(second.outer == &first);
}

TEST_CASE("what any open slot names is seen, and nothing else") {
    publisher p{domain::here(), true, 0};
    const table_base tables[3] = {table_of_type(), table_of_type(), table_of_type()};
    const idle runs[3];
    slot* slots[3] = {};
    for (int n = 0; n != 3; ++n) {
        CHECK_FALSE(p.reads(&tables[n]));
        CHECK_FALSE(p.runs(runs[n]));
        slots[n] = &p.next_slot();
        open(p, *slots[n], tables[n], &runs[n]);
        for (int m = 0; m <= n; ++m) {
            CHECK(p.reads(&tables[m]));
            CHECK(p.runs(runs[m]));
        }
    }
    for (int n = 2; n >= 0; --n) {
        p.close(*slots[n]);
        CHECK_FALSE(p.runs(runs[n]));
        for (int m = 0; m < n; ++m) CHECK((p.reads(&tables[m]) && p.runs(runs[m])));
    }
}

TEST_CASE("a closed slot keeps its table until it is told to forget it") {
    publisher p{domain::here(), true, 0};
    const table_base tables[2] = {table_of_type(), table_of_type()};
    slot& outer = p.next_slot();
    open(p, outer, tables[0]);
    slot& inner = p.next_slot();
    open(p, inner, tables[1]);
    p.close(inner);
    CHECK(p.reads(&tables[1]));
    p.forget_tables();
    CHECK_FALSE(p.reads(&tables[1]));
    CHECK(p.reads(&tables[0]));  // still open
    p.close(outer);
    CHECK(p.reads(&tables[0]));
    p.forget_tables();
    CHECK_FALSE(p.reads(&tables[0]));
}

TEST_CASE("another thread sees what a slot names, also in a slot that was just made") {
    publisher p{domain::here(), true, 0};
    const table_base table = table_of_type();
    const idle r;
    const idle nobody_runs_this;
    std::atomic<int> depth{0};
    std::atomic<bool> looking{false};
    int missed = 0;
    int imagined = 0;
    std::thread beside{[&] {
        looking = true;
        // The deepest slot names the runnable from depth 1 on.
        while (depth.load() == 0) std::this_thread::yield();
        while (depth.load() != 2'000) {
            if (!p.runs(r)) ++missed;
            if (p.runs(nobody_runs_this)) ++imagined;  // looks through all slots
        }
    }};
    while (!looking) std::this_thread::yield();
    std::vector<slot*> made;
    for (int n = 1; n <= 2'000; ++n) {
        made.push_back(&p.next_slot());
        open(p, *made.back(), table, &r);
        depth = n;
    }
    beside.join();
    CHECK(missed == 0);
    CHECK(imagined == 0);
    for (; !made.empty(); made.pop_back()) p.close(*made.back());
}

TEST_CASE("the first records have a place of their own in tables, the later ones share one") {
    for (std::uint32_t number = 0; number != 40; ++number) {
        const publisher p{domain::here(), true, number};
        CHECK(p.number() == number);
        CHECK(p.place() == (number < publisher::shared_place ? number : publisher::shared_place));
    }
}

TEST_CASE("a record knows whether light fences suffice in its domain") {
    domain& home = domain::here();
    const publisher light{home, true, 0};
    const publisher full{home, false, 0};
    CHECK(&light.home() == &home);
    CHECK(light.fast_home() == &home);
    CHECK(&full.home() == &home);
    CHECK(full.fast_home() == nullptr);
}

TEST_CASE("a tally is empty until anything is counted in it") {
    CHECK(publish_tally{}.empty());
    publish_tally tally{};
    tally.failed = 1;
    CHECK_FALSE(tally.empty());
    tally = {};
    tally.missed = 1;
    CHECK_FALSE(tally.empty());
    tally = {};
    tally.has_id = 1;
    CHECK_FALSE(tally.empty());
    tally = {};
    tally.has_time = 1;
    CHECK_FALSE(tally.empty());
    tally = {};
    CHECK(tally.empty());
}

}  // namespace
