// Notifications are mailed in digests: no user gets more than one mail for five of them, or waits for longer than five
// minutes. When the mail server is away the digest waits, and nobody else's does.
#include <tidings/consumer/consumer.hpp>
#include <tidings/testing/simulation.hpp>
#include <tidings/tidings.hpp>

#include <chrono>
#include <iostream>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;

struct notification {
    std::string user;
    std::string text;
};

struct mail_server {
    void send(const tidings::batch<notification>& digest, std::chrono::steady_clock::time_point now) {
        const std::string& user = digest.front().user;
        if (user == away_for && refusals > 0) {
            --refusals;
            throw std::runtime_error{"the mailbox of " + user + " is away"};
        }
        std::cout << std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count() << " s: to "
                  << user << '\n';
        for (const notification& each : digest) std::cout << "    " << each.text << '\n';
    }

    std::string away_for;
    int refusals = 0;
};

int main() {
    // On virtual time, so that nobody has to wait for five minutes.
    tidings::testing::simulation sim{1};
    tidings::bus bus{{.executor = sim.executor(), .clock = sim.clock(), .on_error = [](const auto& failure) {
                          std::cout << "(" << failure.what() << ")\n";
                      }}};

    mail_server mails{.away_for = "bob", .refusals = 1};
    tidings::consumer digests{
        bus, "digests", {.retry = {.max_attempts = 5, .backoff = tidings::fixed(1min), .jitter = 0}}};
    digests.on_batch([&](const tidings::batch<notification>& digest) { mails.send(digest, sim.now()); },
                     {.size = 5, .within = 5min}, tidings::async.ordered_by(&notification::user));

    // Ann's fifth sends her digest at once; Bob's two wait for five minutes, and then for his mailbox.
    bus.publish(notification{"bob", "Cid likes your loaf"});
    for (const char* who : {"Bob", "Cid", "Dora", "Ed", "Fay"}) {
        bus.publish(notification{"ann", std::string{who} + " follows you"});
        sim.advance(30s);
    }
    bus.publish(notification{"bob", "Dora likes your loaf"});
    sim.advance(10min);

    // Before the program ends, nothing more comes in, and what is there goes out as it is.
    bus.publish(notification{"ann", "Gil follows you"});
    digests.close();
    bus.drain();

    const tidings::consumer_stats s = digests.stats();
    std::cout << s.events.delivered << " notifications mailed, " << s.retried << " digest tried again, "
              << s.events.queued << " left\n";
}
