#include <tidings/base/named_run.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"

#include <tidings/base/attachment.hpp>
#include <tidings/base/barrier.hpp>
#include <tidings/base/domain.hpp>
#include <tidings/base/publisher.hpp>

#include <atomic>
#include <cstdint>
#include <thread>

using namespace tidings::base;

namespace {

struct task : runnable {
    task() : runnable{[](runnable& self) noexcept { ++static_cast<task&>(self).ended; }} { active = true; }
    int ended = 0;
};

/// What subscription::reset() and the like do.
barrier_result end(domain& home, publisher* self, task& what) {
    what.active.store(false, store_order);
    home.heavy_fence(self);
    return wait_until_ended(home, self, what);
}

}  // namespace

TEST_CASE("while it runs it is named, afterwards it is not") {
    domain& home = domain::here();
    task work;
    bool was_active = false;
    CHECK(run_named(home, work, [&](bool is_active) {
        was_active = is_active;
        CHECK(home.runs(work));
    }));
    CHECK(was_active);
    CHECK_FALSE(home.runs(work));
    CHECK(work.ended == 0);
    CHECK(end(home, home.find(), work) == barrier_result::ended);
    CHECK(work.ended == 1);
    CHECK(run_named(home, work, [&](bool is_active) { was_active = is_active; }));
    CHECK_FALSE(was_active);
    CHECK(work.ended == 1);
}

TEST_CASE("what is around it did not cause what happens inside, and its slot is left as it was") {
    domain& home = domain::here();
    const attachment here{home};
    publisher& self = *here;
    event_entry type{};
    const table_base publish{&type, nullptr};
    slot& around = self.next_slot();
    around.table = &publish;
    self.open(around, publisher::between());
    CHECK(self.innermost_publish() == &around);
    task work;
    slot& inner = self.next_slot();
    CHECK(run_named(home, work, [&](bool) {
        CHECK(inner.tally.detached);
        CHECK(self.innermost_publish() == nullptr);
    }));
    CHECK(inner.tally.empty());
    CHECK(self.innermost_publish() == &around);
    self.close(around);
    self.forget_tables();
}

TEST_CASE("what it ends itself ends when it has left") {
    domain& home = domain::here();
    task work;
    CHECK(run_named(home, work, [&](bool) {
        CHECK(end(home, home.find(), work) == barrier_result::running_here);
        CHECK(work.ended == 0);
    }));
    CHECK(work.ended == 1);
}

TEST_CASE("who ends it on another thread waits for it") {
    domain& home = domain::here();
    task work;
    std::atomic<bool> inside{false};
    std::atomic<bool> left{false};
    std::thread runner{[&] {
        run_named(home, work, [&](bool) {
            inside = true;
            while (work.active.load()) std::this_thread::yield();
            left = true;
        });
    }};
    while (!inside) std::this_thread::yield();
    CHECK(end(home, home.find(), work) == barrier_result::ended);
    CHECK(left);
    CHECK(work.ended == 1);
    runner.join();
}

TEST_CASE("without memory for a slot nothing is called") {
    if (!support::counts_allocations) return;
    struct nest {
        int depth = 0;
        bool refused = false;
        void go() {
            task work;
            const bool ran = run_named(domain::here(), work, [&](bool) {
                if (++depth < 10'000) go();
            });
            refused = refused || !ran;
        }
    } deeper;
    {
        const support::failing_allocation fails{1, support::failing::from_then_on};
        deeper.go();  // into the slots that the thread has, and one more
    }
    CHECK(deeper.refused);
    CHECK(deeper.depth < 10'000);
    const publisher* const self = domain::here().find();
    CHECK((self == nullptr || !self->publishing()));
}
