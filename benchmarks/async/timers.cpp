/// timers/set and timers/cancelled: one of a million that are pending at the same time, due in no order.
#include <async/cargo.hpp>
#include <async/stopwatch.hpp>
#include <async/suite.hpp>
#include <tidings/tidings.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <vector>

namespace {

constexpr std::size_t count = 1'000'000;
constexpr unsigned repetitions = 2;

void timers(samples& to) {
    tidings::thread_pool pool{1};
    tidings::bus bus{{.executor = pool}};
    std::vector<tidings::timer> pending(count);
    std::uint64_t mixed = 1;
    const stopwatch setting;
    for (tidings::timer& each : pending) {
        mixed = mixed * 6'364'136'223'846'793'005 + 1;  // Knuth, volume 2, 3.3.4
        each = bus.publish_after(std::chrono::hours{1} + std::chrono::milliseconds{mixed >> 44}, cargo{});
    }
    to.push_back({"timers/set", setting.nanoseconds() / static_cast<double>(count)});
    const stopwatch cancelling;
    for (tidings::timer& each : pending) static_cast<void>(each.cancel());
    to.push_back({"timers/cancelled", cancelling.nanoseconds() / static_cast<double>(count)});
    for (const tidings::timer& each : pending)
        if (each.pending()) throw std::runtime_error{"a timer was not cancelled"};
}

}  // namespace

void add_timers(suite& to) { to.push_back({"timers", repetitions, measurement::place::here, timers}); }
