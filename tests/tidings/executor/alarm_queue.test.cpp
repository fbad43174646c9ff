// One file of the program replaces operator new.
#include "support/allocations.hpp"

#include <tidings/executor/alarm_queue.hpp>

#include "support/catch.hpp"
#include "support/seed.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <new>
#include <random>
#include <set>
#include <tuple>
#include <vector>

namespace {

using alarm_base = tidings::detail::alarm;  // <unistd.h> has another alarm
using tidings::detail::alarm_queue;

alarm_base::time_point at(std::int64_t n) { return alarm_base::time_point{alarm_base::time_point::duration{n}}; }

struct numbered : alarm_base {
    explicit numbered(int n) : alarm_base{[](alarm_base&) noexcept {}}, number{n} {}
    int number;
};

std::vector<int> drained(alarm_queue& queue) {
    std::vector<int> numbers;
    while (alarm_base* const next = queue.pop()) numbers.push_back(static_cast<numbered*>(next)->number);
    return numbers;
}

}  // namespace

TEST_CASE("an alarm_queue gives the earliest first, and of equal ones the first that was added") {
    alarm_queue queue;
    CHECK(queue.empty());
    CHECK(queue.first() == nullptr);
    CHECK(queue.pop() == nullptr);
    std::deque<numbered> alarms;
    const std::vector<std::int64_t> dues{5, 1, 5, 3, 1, 5, 0, 3, 5};
    for (std::size_t i = 0; i < dues.size(); ++i) queue.push(alarms.emplace_back(static_cast<int>(i)), at(dues[i]));
    CHECK(queue.size() == dues.size());
    CHECK(queue.first() == &alarms[6]);
    CHECK(drained(queue) == std::vector<int>{6, 1, 4, 3, 7, 0, 2, 5, 8});
    CHECK(queue.empty());
}

TEST_CASE("an alarm_queue removes what stands in it, and nothing else") {
    alarm_queue queue;
    alarm_queue other;
    numbered a{1};
    numbered b{2};
    CHECK_FALSE(queue.remove(a));
    queue.push(a, at(1));
    other.push(b, at(1));
    CHECK(queue.holds(a));
    CHECK_FALSE(queue.holds(b));
    CHECK_FALSE(queue.remove(b));
    CHECK(queue.remove(a));
    CHECK_FALSE(queue.remove(a));
    CHECK(other.pop() == &b);
    CHECK_FALSE(other.holds(b));
    queue.push(b, at(2));
    queue.push(a, at(1));
    CHECK(drained(queue) == std::vector<int>{1, 2});
}

TEST_CASE("an alarm_queue without memory for one more is as it was") {
    if (!support::counts_allocations) return;
    alarm_queue queue;
    std::deque<numbered> alarms;
    int refused = 0;
    for (int n = 0; n < 1'000; ++n) {
        numbered& a = alarms.emplace_back(n);
        {
            const support::failing_allocation none{1, support::failing::from_then_on};
            try {
                queue.push(a, at(1'000 - n));
                continue;
            } catch (const std::bad_alloc&) {
                ++refused;
            }
        }
        CHECK_FALSE(queue.holds(a));
        CHECK(queue.size() == static_cast<std::size_t>(n));
        queue.push(a, at(1'000 - n));
    }
    CHECK(refused > 0);
    const std::vector<int> numbers = drained(queue);
    REQUIRE(numbers.size() == 1'000);
    CHECK(numbers.front() == 999);
    CHECK(numbers.back() == 0);
}

TEST_CASE("an alarm_queue does what a sorted set does") {
    const std::uint64_t seed = support::fresh_seed("alarm_queue");
    std::mt19937_64 random{seed};
    const auto below = [&](std::uint64_t n) { return random() % n; };
    for (int round = 0; round < 200; ++round) {
        using entry = std::tuple<std::int64_t, std::uint64_t, numbered*>;
        alarm_queue queue;
        std::multiset<entry> model;
        std::deque<numbered> alarms;
        std::vector<std::multiset<entry>::iterator> places;
        std::vector<int> idle;
        const int most = static_cast<int>(1 + below(200));
        for (int n = 0; n < most; ++n) {
            alarms.emplace_back(n);
            places.push_back(model.end());
            idle.push_back(n);
        }
        const std::uint64_t range = 1 + below(100);
        const std::uint64_t pushes = 1 + below(9);
        std::uint64_t order = 0;
        bool same = true;
        for (int step = 0; step < 1'000 && same; ++step) {
            if (below(10) < pushes && !idle.empty()) {
                const auto which = static_cast<std::size_t>(below(idle.size()));
                const int n = idle[which];
                idle[which] = idle.back();
                idle.pop_back();
                numbered& a = alarms[static_cast<std::size_t>(n)];
                const auto due = static_cast<std::int64_t>(below(range));
                queue.push(a, at(due));
                places[static_cast<std::size_t>(n)] = model.emplace(due, order++, &a);
            } else if (below(2) == 0) {
                alarm_base* const popped = queue.pop();
                same = (popped == nullptr) == model.empty() &&
                       (popped == nullptr || popped == std::get<2>(*model.begin()));
                if (popped == nullptr || !same) continue;
                model.erase(model.begin());
                const int n = static_cast<numbered*>(popped)->number;
                places[static_cast<std::size_t>(n)] = model.end();
                idle.push_back(n);
            } else {
                const auto n = static_cast<std::size_t>(below(alarms.size()));
                const bool stands = places[n] != model.end();
                same = queue.remove(alarms[n]) == stands;
                if (!stands || !same) continue;
                model.erase(places[n]);
                places[n] = model.end();
                idle.push_back(static_cast<int>(n));
            }
            same =
                same && queue.size() == model.size() && (model.empty() || queue.first() == std::get<2>(*model.begin()));
        }
        REQUIRE(same);
        while (alarm_base* const next = queue.pop()) {
            REQUIRE(next == std::get<2>(*model.begin()));
            model.erase(model.begin());
        }
        REQUIRE(model.empty());
    }
}

TEST_CASE("an alarm_queue holds a million alarms") {
    constexpr int count = 1'000'000;
    std::mt19937_64 random{1};
    alarm_queue queue;
    std::deque<numbered> alarms;
    for (int n = 0; n < count; ++n)
        queue.push(alarms.emplace_back(n), at(static_cast<std::int64_t>(random() % 1'000'000'000)));
    for (std::size_t n = 0; n < alarms.size(); n += 2) queue.remove(alarms[n]);
    CHECK(queue.size() == count / 2);
    bool sorted = true;
    alarm_base::time_point last = at(0);
    while (const alarm_base* const next = queue.pop()) {
        sorted = sorted && last <= next->due && static_cast<const numbered*>(next)->number % 2 == 1;
        last = next->due;
    }
    CHECK(sorted);
}

TEST_CASE("an alarm_queue with room allocates nothing, and growing by one is amortised") {
    if (!support::counts_allocations) return;
    alarm_queue queue;
    std::deque<numbered> alarms;
    for (int n = 0; n < 1'000; ++n) alarms.emplace_back(n);
    const std::uint64_t before = support::allocated_here;
    std::size_t room = 0;
    for (numbered& each : alarms) {
        queue.reserve(++room);
        queue.push(each, at(-each.number));
    }
    CHECK(support::allocated_here - before <= 12);
    CHECK(drained(queue).size() == 1'000);
    const std::uint64_t grown = support::allocated_here;
    for (numbered& each : alarms) queue.push(each, at(each.number));
    CHECK(support::allocated_here == grown);
}
