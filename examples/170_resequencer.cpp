// Packets that overtake one another on their way are put back in order; what is lost is waited for, but not for ever.
#include <tidings/consumer/resequencer.hpp>
#include <tidings/testing/simulation.hpp>
#include <tidings/tidings.hpp>

#include <chrono>
#include <cstdint>
#include <iostream>
#include <string>
#include <utility>

using namespace std::chrono_literals;

struct packet {
    std::uint64_t number = 0;
    std::string words;
};
struct look_again {};  // published when something may have to be given up

int main() {
    // On virtual time, so that nobody has to wait; without it a bus and std::chrono::steady_clock::now() do the same.
    tidings::testing::simulation sim{1};
    tidings::bus bus{{.executor = sim.executor(), .clock = sim.clock()}};
    const auto say = [&](const std::string& what) {
        std::cout << std::chrono::duration_cast<std::chrono::milliseconds>(sim.now().time_since_epoch()).count()
                  << " ms: " << what << '\n';
    };

    tidings::resequencer<packet> order{
        {.deliver = [&](std::uint64_t, packet&& p) { say(p.words); },
         .gap =
             [&](const tidings::sequence_gap& g) {
                 say("(" + std::to_string(g.first_missing) + " to " + std::to_string(g.last_missing) + " are lost)");
             },
         .stray =
             [&](const tidings::stray_event<packet>& s) {
                 say("(" + std::to_string(s.sequence) +
                     (s.why == tidings::sequence_outcome::straggler ? " comes too late)" : " again)"));
             }},
        {.first = 1, .patience = 200ms}};

    // One timer, for the time at which an event will have been held for long enough.
    tidings::timer waiting;
    const auto set_timer = [&] {
        waiting.cancel();
        if (const auto due = order.deadline()) waiting = bus.publish_at(*due, look_again{});
    };
    auto packets = bus.subscribe([&](const packet& p) {
        order.push(p.number, p, sim.now());
        set_timer();
    });
    auto timer = bus.subscribe([&](const look_again&) {
        order.advance(sim.now());
        set_timer();
    });

    bus.publish(packet{2, "there was"});
    bus.publish(packet{1, "Once upon a time"});
    bus.publish(packet{2, "there was"});
    sim.advance(50ms);
    bus.publish(packet{5, "of Troy"});
    sim.advance(100ms);
    bus.publish(packet{4, "the beauty"});
    sim.advance(1s);
    bus.publish(packet{3, "a girl,"});
    bus.publish(packet{6, "and a horse."});

    const tidings::resequencer_stats s = order.stats();
    std::cout << s.pushed << " packets: " << s.delivered << " delivered, " << s.duplicates << " twice, " << s.stragglers
              << " too late; " << s.missing << " given up\n";
}
