/// memory/<policy>/mebibytes: by how much the process grows when events come faster than they are handled.
#include <async/cargo.hpp>
#include <async/process_usage.hpp>
#include <async/stopwatch.hpp>
#include <async/suite.hpp>
#include <tidings/tidings.hpp>

#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <string>

namespace {

constexpr std::size_t capacity = 1'024;
constexpr double room = static_cast<double>(capacity * sizeof(cargo)) / (1024 * 1024);

/// What is above the room for the events themselves.
class growth {
public:
    void report(samples& to, const std::string& policy) const {
        const double grown = peak_resident_mebibytes() - before_ - room;
        if (!std::isnan(grown)) to.push_back({"memory/" + policy + "/mebibytes", grown});
    }

private:
    const double before_ = resident_mebibytes();
};

/// Nobody takes anything out.
void never_handled(samples& to, const std::string& name, tidings::overflow policy) {
    constexpr std::uint64_t events = 10'000'000;
    tidings::manual_executor never;
    tidings::bus bus;
    const tidings::subscription s =
        bus.subscribe([](const cargo&) {}, tidings::async.on(never).capacity(capacity).when_full(policy));
    const growth grown;
    for (std::uint64_t n = 0; n < events; ++n) bus.publish(cargo_number(n));
    grown.report(to, name);
    const tidings::subscription_stats counted = s.stats();
    if (counted.queued != capacity || counted.dropped + counted.rejected != events - capacity)
        throw std::runtime_error{"memory/" + name + ": not what was expected to be dropped or rejected"};
}

/// The publisher is held back by a handler that is ten times as slow.
void held_back(samples& to) {
    constexpr std::uint64_t events = 500'000;
    constexpr double slowness = 1'000;  // nanoseconds
    tidings::thread_pool pool{1};
    tidings::bus bus{{.executor = pool}};
    const auto slow = [](const cargo&) {
        const stopwatch watch;
        while (watch.nanoseconds() < slowness) {}
    };
    const tidings::subscription s = bus.subscribe(slow, tidings::async.capacity(capacity));
    const growth grown;
    for (std::uint64_t n = 0; n < events; ++n) bus.publish(cargo_number(n));
    bus.drain();
    grown.report(to, "block");
    if (s.stats().delivered != events) throw std::runtime_error{"memory/block: an event was lost"};
}

}  // namespace

void add_memory(suite& to) {
    constexpr auto where = measurement::place::process_of_its_own;
    const auto add = [&](const char* name, tidings::overflow policy) {
        to.push_back(
            {std::string{"memory/"} + name, 1, where, [=](samples& into) { never_handled(into, name, policy); }});
    };
    add("reject", tidings::overflow::reject);
    add("drop_oldest", tidings::overflow::drop_oldest);
    add("drop_newest", tidings::overflow::drop_newest);
    to.push_back({"memory/block", 1, where, held_back});
}
