// Flights, replayed: departures and arrivals in the order of their time, for consumers of which one is slow. What
// differs from run to run goes to the standard error stream.
#include "delay_board.hpp"
#include "events.hpp"
#include "options.hpp"
#include "replay.hpp"

#include <tidings/tidings.hpp>

#include <chrono>
#include <cstddef>
#include <fstream>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

int main(int argc, char** argv) {
    using namespace flights;
    using namespace std::chrono_literals;
    using std::chrono::steady_clock;

    const auto given = options_of(argc, argv);
    std::ifstream in;
    if (given) in.open(given->file, std::ios::binary);
    if (!in.is_open()) {
        std::cerr << usage;
        return 2;
    }

    tidings::thread_pool workers{2};
    tidings::thread_pool desk{2};  // for what may be slow: it keeps no worker from the rest
    tidings::bus bus{{.executor = workers}};

    // On this thread, inside publish, as nothing else is said.
    std::size_t malformed_lines = 0;
    auto refusals = bus.subscribe([&](const line_rejected& e) {
        ++malformed_lines;
        std::cout << "line " << e.line << " is skipped: " << e.reason << '\n';
    });

    std::size_t lines = 0;
    const std::vector<movement> all = read(in, bus, lines);
    if (in.bad()) {
        std::cerr << "flights: cannot read " << given->file << '\n';
        return 2;
    }

    // Must see everything: when its queue is full the publisher waits, as nothing else is said. Airports are handled at
    // the same time; the events of one airport, departures and arrivals, one after another.
    delay_board board{all};
    const auto airport = [](const auto& event) -> const std::string& { return event.airport; };
    auto boarding = tidings::listen(bus, "board", board, tidings::async.ordered_by(airport).concurrency(2));

    // A teleprinter that takes a millisecond for a line. It prints the latest news and holds nobody back; what it
    // misses is counted.
    auto printing = bus.subscribe(
        "teleprinter", [](const departed&) { std::this_thread::sleep_for(1ms); },
        tidings::async.on(desk).capacity(8).when_full(tidings::overflow::drop_oldest));

    // Of progress only the newest matters, and only if somebody looks on.
    tidings::subscription bar;
    if (is_terminal())
        bar = bus.subscribe(
            [](const progress_made& p) {
                std::cerr << "\r[" << std::string(p.percent / 4, '#') << std::string(25 - p.percent / 4, ' ') << ']'
                          << std::flush;
            },
            tidings::async.on(desk).capacity(1).when_full(tidings::overflow::drop_oldest));

    const auto begin = steady_clock::now();
    replay(all, bus, given->speed_up);
    bus.drain();  // when it returns, what the handlers wrote is ours to read
    const std::chrono::duration<double> seconds = steady_clock::now() - begin;

    board.print(std::cout, 10);
    const tidings::subscription_stats printer = printing.stats();
    std::cout << lines << " lines = " << all.size() / 2 << " flights + " << malformed_lines << " malformed\n"
              << all.size() << " events = " << board.departures() << " departures + " << board.arrivals()
              << " arrivals, " << board.out_of_order() << " out of order\n"
              << "teleprinter: " << printer.accepted() << " departures, each printed or dropped: "
              << (printer.accepted() == printer.delivered + printer.dropped ? "yes" : "no") << '\n';
    std::cerr << (bar.active() ? "\n" : "") << static_cast<double>(all.size()) / seconds.count()
              << " events a second; the teleprinter printed " << printer.delivered << " and dropped " << printer.dropped
              << '\n';
}
