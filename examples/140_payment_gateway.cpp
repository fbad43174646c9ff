// Payments through a gateway that is unreliable, then down, then mended: what is tried again, what waits, what is given
// up, and how that is made good.
#include <tidings/consumer/consumer.hpp>
#include <tidings/consumer/dead_letters.hpp>
#include <tidings/testing/simulation.hpp>
#include <tidings/tidings.hpp>

#include <chrono>
#include <iostream>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;

struct payment {
    std::string customer;
    int cents = 0;
};

// On virtual time, so that nobody has to wait.
struct world {
    void say(const std::string& what) const {
        std::cout << std::chrono::duration_cast<std::chrono::seconds>(sim.now().time_since_epoch()).count()
                  << " s: " << what << '\n';
    }
    tidings::testing::simulation sim{1};
    tidings::bus bus{{.executor = sim.executor(), .clock = sim.clock(), .on_error = [this](const auto& failure) {
                          say(std::string{"    "} + failure.what());
                      }}};
};

struct gateway {
    void charge(const payment& p) {
        if (p.cents <= 0) throw tidings::permanent_failure{"not an amount"};  // will be as wrong the next time
        if (is_down) throw std::runtime_error{"no connection"};
        if (hiccups > 0 && hiccups-- > 0) throw std::runtime_error{"timed out"};
        home.say(p.customer + " paid " + std::to_string(p.cents));
    }

    world& home;
    bool is_down = false;
    int hiccups = 0;
};

int main() {
    world home;
    gateway visa{home};
    tidings::dead_letters unpaid;

    tidings::consumer payments{
        home.bus,
        "payments",
        {.retry = {.max_attempts = 3, .backoff = tidings::exponential(1s, 1min), .jitter = 0},
         .dead_letters = unpaid,
         .later_events = tidings::behind_dead::park,  // nobody pays a second bill before the first
         .circuit_breaker = tidings::circuit_breaker_options{.failures = 3, .open_for = 5min}}};
    payments.on([&](const payment& p) { visa.charge(p); }, tidings::async.ordered_by(&payment::customer));

    std::cout << "A hiccup: Ann's second payment waits behind her first, and Bob's does not\n";
    visa.hiccups = 1;
    for (const auto& p : {payment{"Ann", 100}, payment{"Ann", 200}, payment{"Bob", 300}}) home.bus.publish(p);
    home.sim.advance(1min);

    std::cout << "A poison message: it is not tried again, and what Cid pays later waits behind it\n";
    for (const auto& p : {payment{"Cid", -5}, payment{"Cid", 400}}) home.bus.publish(p);
    home.sim.advance(1min);

    std::cout << "The gateway is down: after three failures nobody tries, and no attempt is wasted\n";
    visa.is_down = true;
    for (const auto& p : {payment{"Dora", 500}, payment{"Ed", 600}, payment{"Fay", 700}, payment{"Gil", 800}})
        home.bus.publish(p);
    home.sim.advance(2min);
    home.say(payments.breaker() == tidings::breaker_state::open ? "    the breaker is open" : "    it is not open");
    visa.is_down = false;
    home.sim.advance(10min);

    std::cout << "What was given up\n";
    for (const tidings::dead_letter& each : unpaid.list()) {
        const auto* const p = each.event.get_if<payment>();
        std::cout << "  " << p->customer << ' ' << p->cents << ", " << each.attempts << " attempts: " << each.error
                  << '\n';
    }
    unpaid.discard(unpaid.list({.error_contains = "not an amount"}).front().id);
    std::cout << unpaid.redrive_all() << " sent again\n";
    home.bus.drain();

    const tidings::consumer_stats s = payments.stats();
    std::cout << s.events.delivered << " paid, " << s.events.failed << " dead-lettered, of which " << unpaid.size()
              << " are left; " << s.retried << " retries, " << s.breaker_openings << " opening of the breaker\n";
}
