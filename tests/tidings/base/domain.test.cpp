#include <tidings/base/domain.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/waiting.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <new>
#include <set>
#include <thread>
#include <vector>

namespace {

using tidings::base::domain;
using tidings::base::event_entry;
using tidings::base::publisher;
using tidings::base::runnable;
using tidings::base::table_base;

struct idle : runnable {
    idle() : runnable{[](runnable&) noexcept {}} {}
};

const event_entry type{1, "t", "t", {}};

TEST_CASE("a program has one domain") {
    domain* const here = &domain::here();
    CHECK(&domain::here() == here);
    domain* there = nullptr;
    std::thread{[&] { there = &domain::here(); }}.join();
    CHECK(there == here);
    CHECK(here->asymmetric() == tidings::base::enable_asymmetric_fences());
}

TEST_CASE("a thread finds its own record, and only while it has one") {
    domain home;
    CHECK(home.find() == nullptr);
    publisher& mine = home.take();
    CHECK(&mine.home() == &home);
    CHECK(home.find() == &mine);
    publisher* found = &mine;
    std::thread{[&] { found = home.find(); }}.join();
    CHECK(found == nullptr);
    home.give_back(mine);
    CHECK(home.find() == nullptr);
}

TEST_CASE("a thread has a record in each domain") {
    domain one;
    domain other;
    publisher& in_one = one.take();
    publisher& in_other = other.take();
    CHECK(one.find() == &in_one);
    CHECK(other.find() == &in_other);
    one.give_back(in_one);
    CHECK(one.find() == nullptr);
    CHECK(other.find() == &in_other);
    other.give_back(in_other);
}

TEST_CASE("a record that was given back serves the next thread, so their number is that of threads at one time") {
    domain home;
    for (int n = 0; n != 100; ++n) std::thread{[&] { home.give_back(home.take()); }}.join();
    CHECK(home.publishers() == 1);
    publisher& mine = home.take();
    std::thread{[&] { home.give_back(home.take()); }}.join();
    CHECK(home.publishers() == 2);
    home.give_back(mine);
}

TEST_CASE("records have numbers of their own, from 0") {
    domain home;
    std::vector<publisher*> taken;
    std::set<std::uint32_t> numbers;
    for (int n = 0; n != 20; ++n) {
        publisher& p = home.take();
        taken.push_back(&p);
        numbers.insert(p.number());
    }
    CHECK(numbers.size() == 20);
    CHECK(*numbers.begin() == 0);
    CHECK(*numbers.rbegin() == 19);
    CHECK(home.publishers() == 20);
    for (publisher* p : taken) home.give_back(*p);
}

TEST_CASE("threads that take a record at the same time never share one") {
    domain home;
    support::meeting both;
    std::array<std::atomic<int>, 2> users{};
    std::atomic<int> shared{0};
    const auto run = [&](int who) {
        for (std::uint32_t round = 1; round <= 50'000; ++round) {
            both.meet(who);
            publisher& p = home.take();
            if (users.at(p.number()).fetch_add(1, std::memory_order_relaxed) != 0) ++shared;
            if (home.find() != &p) ++shared;
            users.at(p.number()).fetch_sub(1, std::memory_order_relaxed);
            home.give_back(p);
        }
    };
    std::thread other{run, 1};
    run(0);
    other.join();
    CHECK(shared == 0);
    CHECK(home.publishers() <= 2);
}

TEST_CASE("without memory for a record none is taken, and the next attempt succeeds") {
    if (!support::counts_allocations) return;
    domain home;
    {
        const support::failing_allocation now{1, support::failing::once};
        CHECK_THROWS_AS(home.take(), std::bad_alloc);
    }
    CHECK(home.find() == nullptr);
    publisher& mine = home.take();
    CHECK(home.find() == &mine);
    home.give_back(mine);
}

TEST_CASE("what any thread of the domain reads or runs is seen") {
    domain home;
    const table_base table{&type};
    const idle r;
    std::atomic<int> step{0};
    std::thread other{[&] {
        publisher& p = home.take();
        p.outermost().table.store(&table);
        p.open(p.outermost(), &r);
        step = 1;
        while (step != 2) std::this_thread::yield();
        p.close(p.outermost());
        home.give_back(p);
    }};
    while (step != 1) std::this_thread::yield();
    home.heavy_fence(nullptr);
    CHECK(home.reads(&table));
    CHECK(home.runs(r));
    const table_base another;
    const idle nobody_runs_this;
    CHECK_FALSE(home.reads(&another));
    CHECK_FALSE(home.runs(nobody_runs_this));
    step = 2;
    other.join();
    CHECK_FALSE(home.reads(&table));
    CHECK_FALSE(home.runs(r));
}

TEST_CASE("a search through the records stops at the first that fits") {
    domain home;
    CHECK_FALSE(home.any_publisher([](publisher&) { return true; }));
    publisher& one = home.take();
    publisher& other = home.take();
    int seen = 0;
    CHECK(home.any_publisher([&](publisher&) { return ++seen == 1; }));
    CHECK(seen == 1);
    seen = 0;
    CHECK_FALSE(home.any_publisher([&](publisher&) { return ++seen == 0; }));
    CHECK(seen == 2);
    home.give_back(one);
    home.give_back(other);
}

// Each round two threads store to a place of their own and look at the other's. One of them has just taken its
// record, or is about to: the heavy fence may be left out only while it is certain to see the other's store.
TEST_CASE("a fence against a thread that is just taking its record is not left out") {
    domain home;
    constexpr std::uint32_t rounds = 100'000;
    alignas(64) tidings::base::atomic<std::uint32_t> left{0};
    alignas(64) tidings::base::atomic<std::uint32_t> right{0};
    support::meeting both;
    std::vector<char> left_saw(rounds + 1);
    std::vector<char> right_saw(rounds + 1);
    std::thread publishing{[&] {
        for (std::uint32_t round = 1; round <= rounds; ++round) {
            both.meet(1);
            publisher& p = home.take();
            right.store(round, tidings::base::store_order);
            if (home.asymmetric()) tidings::base::light_fence<true>();
            else tidings::base::light_fence<false>();
            right_saw[round] = left.load(tidings::base::load_order) >= round;
            home.give_back(p);
        }
    }};
    for (std::uint32_t round = 1; round <= rounds; ++round) {
        both.meet(0);
        for (std::uint32_t delay = round % 1'024; delay != 0; --delay)
            std::atomic_signal_fence(std::memory_order_seq_cst);
        left.store(round, tidings::base::store_order);
        home.heavy_fence(nullptr);
        left_saw[round] = right.load(tidings::base::load_order) >= round;
    }
    publishing.join();
    int neither = 0;
    for (std::uint32_t round = 1; round <= rounds; ++round)
        if (left_saw[round] == 0 && right_saw[round] == 0) ++neither;
    CHECK(neither == 0);
}

}  // namespace
