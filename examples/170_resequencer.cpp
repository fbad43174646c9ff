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

// On virtual time, so that nobody has to wait. Without the simulation, the time is std::chrono::steady_clock::now().
struct world {
    void say(const std::string& what) const {
        std::cout << std::chrono::duration_cast<std::chrono::milliseconds>(sim.now().time_since_epoch()).count()
                  << " ms: " << what << '\n';
    }
    tidings::testing::simulation sim{1};
    tidings::bus bus{{.executor = sim.executor(), .clock = sim.clock()}};
};

// A listener with a queue gets its events one at a time, whatever their type: that is what a resequencer asks for.
struct reader {
    using listens_to = tidings::events<packet, look_again>;

    void on(const packet& p) {
        order.push(p.number, p, home.sim.now());
        set_timer();
    }
    void on(const look_again&) {
        order.advance(home.sim.now());
        set_timer();
    }
    void set_timer() {
        waiting.cancel();
        if (const auto due = order.deadline()) waiting = home.bus.publish_at(*due, look_again{});
    }

    world& home;
    tidings::timer waiting{};
    tidings::resequencer<packet> order{
        {.deliver = [this](std::uint64_t, packet&& p) { home.say(p.words); },
         .gap = [this](const tidings::sequence_gap& g) { home.say(std::to_string(g.first_missing) + " is lost"); },
         .stray =
             [this](const tidings::stray_event<packet>& s) {
                 const bool late = s.why == tidings::sequence_outcome::straggler;
                 home.say(std::to_string(s.sequence) + (late ? " comes too late" : " comes again"));
             }},
        {.first = 1, .patience = 200ms}};
};

int main() {
    world home;
    reader tale{home};
    auto reading = tidings::listen(home.bus, tale, tidings::async);

    home.bus.publish(packet{2, "there was"});
    home.bus.publish(packet{1, "Once upon a time"});
    home.bus.publish(packet{2, "there was"});
    home.sim.advance(50ms);
    home.bus.publish(packet{5, "of Troy"});
    home.sim.advance(100ms);
    home.bus.publish(packet{4, "the beauty"});
    home.sim.advance(1s);
    home.bus.publish(packet{3, "a girl,"});
    home.bus.publish(packet{6, "and a horse."});
    home.bus.drain();

    const tidings::resequencer_stats s = tale.order.stats();
    std::cout << s.pushed << " packets: " << s.delivered << " delivered, " << s.duplicates << " twice, " << s.stragglers
              << " too late; " << s.missing << " given up\n";
}
