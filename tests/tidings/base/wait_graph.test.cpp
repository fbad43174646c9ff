#include "support/catch.hpp"

#include <tidings/base/wait_graph.hpp>

#include <mutex>
#include <thread>
#include <vector>

using namespace tidings::base;

namespace {

class idle : public runnable {
public:
    idle() : runnable{[](runnable&) noexcept {}} {}
};

constexpr table_base table;

/// A thread of a domain, with what it runs in its slots.
class thread_of {
public:
    explicit thread_of(domain& home) : home_{home}, record_{home.take()} {}
    ~thread_of() {
        while (!open_.empty()) {
            record_.close(*open_.back());
            open_.pop_back();
        }
        home_.give_back(record_);
    }
    thread_of(const thread_of&) = delete;
    thread_of& operator=(const thread_of&) = delete;

    void run(const runnable& r) {
        slot& s = record_.next_slot();
        s.table.store(&table);
        record_.open(s, &r);
        open_.push_back(&s);
    }
    publisher& record() noexcept { return record_; }

private:
    domain& home_;
    publisher& record_;
    std::vector<slot*> open_;
};

/// Enters the wait, if it may be, until the end of the scope.
class waiting {
public:
    waiting(domain& home, thread_wait wait) : room_{home.waits()}, wait_{wait} {
        const std::lock_guard lock{room_.mutex};
        entered_ = enter(home, wait_);
    }
    ~waiting() {
        const std::lock_guard lock{room_.mutex};
        if (entered_) leave(room_, wait_);
        if (wait_.who != nullptr) CHECK(wait_.who->waits == nullptr);
    }
    waiting(const waiting&) = delete;
    waiting& operator=(const waiting&) = delete;

    bool entered() const noexcept { return entered_; }

private:
    wait_room& room_;
    thread_wait wait_;
    bool entered_;
};

struct fixture {
    domain home;
    thread_of a{home};
    thread_of b{home};
    thread_of c{home};
    idle x, y, z;
    const char e = 0;  // executors
    const char f = 0;
    const executor_scope in_e{&e};
};

}  // namespace

TEST_CASE("a wait for who does not wait is entered, a chain too, a ring is not") {
    fixture t;
    t.a.run(t.x);
    t.b.run(t.y);
    t.c.run(t.z);
    const waiting b_for_c{t.home, {.slots = {&t.z}, .who = &t.b.record(), .inside = nullptr}};
    CHECK(b_for_c.entered());
    const waiting a_for_b{t.home, {.slots = {&t.y}, .who = &t.a.record(), .inside = nullptr}};
    CHECK(a_for_b.entered());
    {
        const waiting c_for_a{t.home, {.slots = {&t.x}, .who = &t.c.record(), .inside = nullptr}};
        CHECK_FALSE(c_for_a.entered());
    }
    const waiting c_for_nobody{t.home, {.slots = {}, .who = &t.c.record(), .inside = nullptr}};
    CHECK(c_for_nobody.entered());
}

TEST_CASE("whose own slot it is waits for itself") {
    fixture t;
    t.a.run(t.x);
    const waiting a_for_a{t.home, {.slots = {&t.x}, .who = &t.a.record(), .inside = nullptr}};
    CHECK_FALSE(a_for_a.entered());
}

TEST_CASE("a slot that names it in another table is not waited for") {
    fixture t;
    constexpr table_base other;
    t.a.run(t.x);
    const waiting a_for_other{t.home, {.slots = {&t.x, &other}, .who = &t.a.record(), .inside = nullptr}};
    CHECK(a_for_other.entered());
    const waiting b_for_this{t.home, {.slots = {&t.x, &table}, .who = &t.b.record(), .inside = nullptr}};
    CHECK(b_for_this.entered());
}

TEST_CASE("a thread of an executor resets who waits for one of that executor's threads") {
    fixture t;
    t.b.run(t.x);  // b, which is in no executor, waits for room there
    for (const unsigned threads : {1U, 2U}) {
        CAPTURE(threads);
        const waiting b_for_e{t.home,
                              {.slots = {&t.y}, .any_of = {&t.e, threads}, .who = &t.b.record(), .inside = nullptr}};
        CHECK(b_for_e.entered());
        const waiting a_for_b{t.home, {.slots = {&t.x}, .who = &t.a.record(), .inside = &t.in_e}};
        CHECK(a_for_b.entered() == (threads == 2));
    }
}

TEST_CASE("an executor goes on while one of its waiting threads can") {
    fixture t;
    t.b.run(t.y);
    const waiting a_in_e{t.home, {.slots = {&t.y}, .who = &t.a.record(), .inside = &t.in_e}};
    CHECK(a_in_e.entered());  // b will leave y, and then a goes on
    const waiting c_for_e{t.home, {.slots = {}, .any_of = {&t.e, 1}, .who = &t.c.record(), .inside = nullptr}};
    CHECK(c_for_e.entered());
    // What b waits for then is a thread that waits for b.
    const waiting b_for_e{t.home, {.slots = {}, .any_of = {&t.e, 1}, .who = &t.b.record(), .inside = nullptr}};
    CHECK_FALSE(b_for_e.entered());
}

TEST_CASE("two executors of one thread each wait for each other") {
    fixture t;
    const waiting a_in_e{t.home, {.slots = {}, .any_of = {&t.f, 1}, .who = &t.a.record(), .inside = &t.in_e}};
    CHECK(a_in_e.entered());
    const executor_scope in_f{&t.f};  // and in e: its thread works for both
    const waiting b_in_f{t.home, {.slots = {}, .any_of = {&t.e, 1}, .who = &t.b.record(), .inside = &in_f}};
    CHECK_FALSE(b_in_f.entered());
}

TEST_CASE("the thread of a loop runs none of its tasks while it waits, unless it helps") {
    fixture t;
    const tidings::base::atomic<tidings::base::thread_id> main{tidings::base::this_thread_id()};
    std::thread another{[] {}};
    const tidings::base::atomic<tidings::base::thread_id> elsewhere{another.get_id()};
    another.join();
    for (const bool helps : {false, true}) {
        CAPTURE(helps);
        t.b.run(t.x);
        const waiting a_for_b{t.home, {.slots = {&t.x}, .who = &t.a.record(), .helps = helps}};
        CHECK(a_for_b.entered());
        const thread_wait for_another{.any_of = {&t.f, 1, &elsewhere}, .who = &t.b.record(), .thread = {}};
        CHECK(waiting{t.home, for_another}.entered());
        const thread_wait for_main{.any_of = {&t.f, 1, &main}, .who = &t.b.record(), .thread = {}};
        CHECK(waiting{t.home, for_main}.entered() == helps);
    }
}

TEST_CASE("a wait that is over holds up nobody") {
    fixture t;
    t.a.run(t.x);
    t.b.run(t.y);
    for (const bool over : {false, true}) {
        CAPTURE(over);
        tidings::base::wait_until b_for_a{thread_wait{.slots = {&t.x}, .who = &t.b.record(), .inside = nullptr},
                                          [&] { return over; }};
        {
            const std::lock_guard lock{t.home.waits().mutex};
            REQUIRE(enter(t.home, b_for_a));
        }
        CHECK(waiting{t.home, {.slots = {&t.y}, .who = &t.a.record(), .inside = nullptr}}.entered() == over);
        const std::lock_guard lock{t.home.waits().mutex};
        leave(t.home.waits(), b_for_a);
    }
}

TEST_CASE("a wait for several is one for each") {
    fixture t;
    t.a.run(t.x);
    t.b.run(t.y);
    const std::vector<tidings::base::awaited> both{{&t.z}, {&t.x}};
    const waiting b_for_both{t.home, {.more_slots = &both, .who = &t.b.record(), .inside = nullptr}};
    CHECK(b_for_both.entered());
    const waiting a_for_b{t.home, {.slots = {&t.y}, .who = &t.a.record(), .inside = nullptr}};
    CHECK_FALSE(a_for_b.entered());
}

TEST_CASE("who ends an executor waits for all of its threads, but for itself") {
    fixture t;
    t.a.run(t.x);
    {
        const waiting a_ends_e{t.home, {.all_of = &t.e, .who = &t.a.record(), .inside = &t.in_e}};
        CHECK(a_ends_e.entered());
        const waiting b_in_e{t.home, {.slots = {&t.x}, .who = &t.b.record(), .inside = &t.in_e}};
        CHECK_FALSE(b_in_e.entered());
    }
    const waiting b_in_e{t.home, {.slots = {&t.x}, .who = &t.b.record(), .inside = &t.in_e}};
    CHECK(b_in_e.entered());
    const waiting a_ends_e{t.home, {.all_of = &t.e, .who = &t.a.record(), .inside = nullptr}};
    CHECK_FALSE(a_ends_e.entered());
}

TEST_CASE("a thread without a record may wait, and counts among those of its executor") {
    fixture t;
    t.b.run(t.y);
    const waiting nameless{t.home, {.slots = {&t.y}, .who = nullptr, .inside = &t.in_e}};
    CHECK(nameless.entered());
    const waiting b_for_e{t.home, {.slots = {}, .any_of = {&t.e, 1}, .who = &t.b.record(), .inside = nullptr}};
    CHECK_FALSE(b_for_e.entered());
}
