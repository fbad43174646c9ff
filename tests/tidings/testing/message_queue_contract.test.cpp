#include <tidings/testing/message_queue_contract.hpp>

#include "support/catch.hpp"

#include <tidings/queue/message_queue.hpp>
#include <tidings/queue/work_queue.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <ostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using tidings::push_options;
using tidings::push_result;
using tidings::work_queue_options;
using tidings::testing::broken_promise;
using tidings::testing::broken_promise_of;
using tidings::testing::message_queue_guarantees;
using tidings::testing::promised;

using sound_queue = tidings::work_queue<std::string>;
static_assert(tidings::message_queue<sound_queue, std::string>);
static_assert(!tidings::message_queue<sound_queue, int>);
static_assert(!tidings::message_queue<std::vector<std::string>, std::string>);

/// What a queue of somebody else's may do wrong.
enum class fault {
    none,
    accepts_late_ack,
    settles_twice,
    forgets_attempts,
    is_early,
    ends_leases_early,
    ends_leases_late,
    extends_too_little,
    loses_order,
    loses_priorities,
    loses_delays_now_and_then,
    acks_what_is_destroyed,
    gives_acked_ones_again,
    ends_values_at_nul,
    tries_once_more,
    loses_the_error,
    lists_the_youngest_first,
    redrives_with_its_attempts,
    keeps_all_dead,
    drops_when_full,
    moves_what_it_rejects,
    takes_all_when_closed,
    counts_wrong,
    throws_now_and_then,
};

struct faulty_queue;

struct faulty_lease {
    faulty_queue* home;
    std::optional<tidings::leased<std::string>> inner;
    bool has_acked = false;

    faulty_lease(faulty_queue& of, tidings::leased<std::string> got) : home{&of}, inner{std::move(got)} {}
    faulty_lease(faulty_lease&& from) noexcept
        : home{from.home}, inner{std::exchange(from.inner, std::nullopt)}, has_acked{from.has_acked} {}
    faulty_lease& operator=(faulty_lease&& from) noexcept {
        std::swap(inner, from.inner);
        std::swap(has_acked, from.has_acked);
        return *this;
    }
    ~faulty_lease();

    const std::string& value() const { return inner->value(); }
    unsigned attempt() const;
    bool ack();
    bool nack(std::chrono::steady_clock::duration delay = {}, std::string_view why = {});
    bool reject(std::string_view why);
    bool extend(std::chrono::steady_clock::duration by);
};

struct faulty_dead {
    faulty_queue* home;
    std::vector<tidings::dead_message> list();
    bool redrive(std::uint64_t id);
    bool discard(std::uint64_t id);
};

struct faulty_queue {
    const fault does;
    const bool drops_silently;
    sound_queue inner;
    bool is_closed = false;
    int pushed = 0;
    int calls = 0;
    bool is_redriven = false;

    static bool drops(const work_queue_options& options, fault how) {
        return how == fault::drops_when_full && options.when_full == tidings::overflow::reject;
    }
    static work_queue_options altered(work_queue_options options, fault how) {
        if (how == fault::ends_leases_early) options.lease -= 1ns;
        if (how == fault::ends_leases_late) options.lease += 2ns;
        if (how == fault::tries_once_more) ++options.max_attempts;
        if (how == fault::keeps_all_dead) options.dead_letters = 1'000'000;
        if (drops(options, how)) options.when_full = tidings::overflow::drop_newest;
        return options;
    }
    faulty_queue(const work_queue_options& options, fault how)
        : does{how}, drops_silently{drops(options, how)}, inner{altered(options, how)} {}

    push_result push(std::string&& value, push_options how) {
        if (does == fault::is_early && how.delay > 0ns) how.delay -= 1ns;
        if (does == fault::loses_order) how.priority = ++pushed % 32;
        if (does == fault::loses_priorities) how.priority = 0;
        if (does == fault::ends_values_at_nul) value = value.c_str();
        if (is_closed) return inner.push(std::move(value), how), push_result::queued;
        const push_result result = inner.push(std::move(value), how);
        if (does == fault::moves_what_it_rejects && result == push_result::rejected) value.clear();
        if (drops_silently && result == push_result::dropped) return push_result::queued;
        return result;
    }
    std::optional<faulty_lease> try_receive() {
        if (does == fault::throws_now_and_then && ++calls == 100) throw std::runtime_error{"no connection"};
        auto got = inner.try_receive();
        if (!got) return std::nullopt;
        return faulty_lease{*this, std::move(*got)};
    }
    faulty_dead dead_letters() { return {this}; }
    tidings::work_queue_stats stats() const {
        auto seen = inner.stats();
        if (does == fault::counts_wrong && seen.acked > 3) --seen.acked;
        return seen;
    }
    void close() {
        if (does == fault::takes_all_when_closed) is_closed = true;
        else inner.close();
    }
};

faulty_lease::~faulty_lease() {
    if (inner && home->does == fault::acks_what_is_destroyed) inner->ack();
}
unsigned faulty_lease::attempt() const {
    if (home->does == fault::forgets_attempts) return 1;
    return inner->attempt() + (home->does == fault::redrives_with_its_attempts && home->is_redriven ? 1 : 0);
}
bool faulty_lease::ack() {
    if (home->does == fault::gives_acked_ones_again) return inner->nack();
    const bool accepted = inner->ack();
    const bool again = std::exchange(has_acked, has_acked || accepted);
    return accepted || home->does == (again ? fault::settles_twice : fault::accepts_late_ack);
}
bool faulty_lease::nack(std::chrono::steady_clock::duration delay, std::string_view why) {
    if (home->does == fault::loses_delays_now_and_then && ++home->calls % 5 == 0) delay = {};
    return inner->nack(delay, home->does == fault::loses_the_error ? std::string_view{} : why);
}
bool faulty_lease::reject(std::string_view why) { return inner->reject(why); }
bool faulty_lease::extend(std::chrono::steady_clock::duration by) {
    return inner->extend(home->does == fault::extends_too_little ? by - 1ns : by);
}
std::vector<tidings::dead_message> faulty_dead::list() {
    auto all = home->inner.dead_letters().list();
    if (home->does == fault::lists_the_youngest_first) std::ranges::reverse(all);
    return all;
}
bool faulty_dead::redrive(std::uint64_t id) {
    home->is_redriven = true;
    return home->inner.dead_letters().redrive(id);
}
bool faulty_dead::discard(std::uint64_t id) { return home->inner.dead_letters().discard(id); }

std::optional<broken_promise> promise_broken_by(fault how, const message_queue_guarantees& promises = {}) {
    return broken_promise_of(
        [how](const work_queue_options& options) { return std::make_unique<faulty_queue>(options, how); }, promises);
}

}  // namespace

TEST_CASE("a work queue keeps what it promises") {
    std::uint64_t made = 0;
    const auto broken = broken_promise_of([&](const work_queue_options& options) {
        ++made;
        return std::make_unique<sound_queue>(options);
    });
    if (broken) FAIL(broken->promise << ": " << broken->seen << "; seed " << broken->seed);
    CHECK(made > 200);
}

TEST_CASE("each broken promise is found by its name") {
    struct expectation {
        fault how;
        std::string_view promise;
    };
    for (const auto& [how, promise] : {
             expectation{fault::accepts_late_ack, "a late ack() is refused"},
             expectation{fault::settles_twice, "a lease settles once"},
             expectation{fault::forgets_attempts, "attempts are counted from 1"},
             expectation{fault::is_early, "a delay ends at its time, and never before"},
             expectation{fault::ends_leases_early, "a lease ends at its time, and never before"},
             expectation{fault::ends_leases_late, "a lease ends at its time, and never before"},
             expectation{fault::extends_too_little, "an extended lease ends then, and never before"},
             expectation{fault::loses_order, "first in, first out"},
             expectation{fault::loses_priorities, "higher priorities first"},
             expectation{fault::acks_what_is_destroyed, "what is ready can be received"},
             expectation{fault::gives_acked_ones_again, "a message that was acknowledged has gone"},
             expectation{fault::ends_values_at_nul, "a message comes out as it went in"},
             expectation{fault::tries_once_more, "the last attempt ends among the dead letters"},
             expectation{fault::loses_the_error, "a dead letter has the last error"},
             expectation{fault::lists_the_youngest_first, "dead letters are listed with the oldest first"},
             expectation{fault::redrives_with_its_attempts, "a redrive begins with attempt 1"},
             expectation{fault::keeps_all_dead, "dead letters are bounded"},
             expectation{fault::drops_when_full, "a full queue that rejects takes nothing"},
             expectation{fault::moves_what_it_rejects, "what a queue does not take is left untouched"},
             expectation{fault::takes_all_when_closed, "a closed queue takes nothing"},
             expectation{fault::counts_wrong, "the account adds up"},
         }) {
        const auto broken = promise_broken_by(how);
        INFO("fault " << static_cast<int>(how) << ", expected: " << promise);
        REQUIRE(broken);
        INFO("seen: " << broken->seen << "; seed " << broken->seed);
        CHECK(broken->promise == promise);
    }
    CHECK_FALSE(promise_broken_by(fault::none));
}

TEST_CASE("what happens now and then is found by a random history, whose seed finds it again") {
    for (const fault how : {fault::loses_delays_now_and_then, fault::throws_now_and_then}) {
        const auto broken = promise_broken_by(how);
        REQUIRE(broken);
        REQUIRE(broken->seed != 0);
        const auto again = broken_promise_of(
            [how](const work_queue_options& options) { return std::make_unique<faulty_queue>(options, how); }, {},
            {.seed = broken->seed, .count = 1});
        REQUIRE(again);
        CHECK(again->promise == broken->promise);
        CHECK(again->seen == broken->seen);
        CHECK(again->seed == broken->seed);
    }
}

TEST_CASE("what is not promised is not asked for") {
    CHECK_FALSE(promise_broken_by(fault::loses_order, {.order = promised::no, .priorities = promised::no}));
    CHECK_FALSE(promise_broken_by(fault::loses_priorities, {.priorities = promised::no}));
    CHECK_FALSE(promise_broken_by(fault::keeps_all_dead, {.dead_letter_bound = promised::no}));
    CHECK_FALSE(promise_broken_by(fault::drops_when_full, {.reject = promised::no}));
    CHECK_FALSE(promise_broken_by(fault::redrives_with_its_attempts, {.redrive = promised::no}));
    CHECK_FALSE(promise_broken_by(fault::takes_all_when_closed, {.close = promised::no}));
    CHECK_FALSE(promise_broken_by(fault::ends_leases_late, {.resolution = 1ms}));
    CHECK(promise_broken_by(fault::ends_leases_early, {.resolution = 1ms}));
    CHECK_FALSE(promise_broken_by(
        fault::none,
        {.block = promised::no, .reject = promised::no, .drop_oldest = promised::no, .drop_newest = promised::no}));
}
