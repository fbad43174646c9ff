// GitHub's webhooks, one JSON object a line, become typed events, and independent consumers make a report of them.
#include "consumers.hpp"
#include "decode.hpp"
#include "events.hpp"
#include "next_line.hpp"
#include "report.hpp"

#include <tidings/tidings.hpp>

#include <cstddef>
#include <fstream>
#include <iostream>
#include <string>
#include <variant>
#include <vector>

namespace webhooks {
namespace {

std::size_t publish_lines(std::istream& in, tidings::bus& bus) {
    std::size_t lines = 0;
    for (std::string line; next_line(in, line);) {
        ++lines;
        try {
            const decoded news = decode(line);
            bus.publish(news.delivery);
            std::visit([&](const auto& event) { bus.publish(event); }, news.event);
        } catch (const malformed& e) {  // from decode(): what handlers throw stays in the bus
            bus.publish(line_rejected{lines, e.what()});
        }
    }
    return lines;
}

int usage(const char* program) {
    std::cerr << "usage: " << program << " [FILE]\nFILE is read, one delivery a line; without it, a small sample.\n";
    return 2;
}

}  // namespace
}  // namespace webhooks

int main(int argc, char** argv) {
    using namespace webhooks;

    std::ifstream in{argc > 1 ? argv[1] : WEBHOOKS_SAMPLE, std::ios::binary};
    if (argc > 2 || !in) return usage(argv[0]);

    tidings::bus bus;

    // A consumer may be a lambda ...
    std::vector<std::string> refused;
    auto refusals = bus.subscribe(
        [&](const line_rejected& e) { refused.push_back("line " + std::to_string(e.line) + ": " + e.reason); });
    std::vector<std::string> released;
    auto releases = bus.subscribe(
        [&](const release_published& e) { released.push_back(printable(e.repository) + ' ' + printable(e.tag)); });
    std::vector<std::string> failed;
    auto failures = bus.subscribe(
        [&](const check_finished& e) { failed.push_back(printable(e.repository) + ": " + printable(e.name)); },
        tidings::sync.filter([](const check_finished& e) { return e.conclusion == "failure"; }));

    // ... or an object with a handler for each of several events.
    opened newcomers;
    activity by_repository;
    audit by_type;
    accounts totals;
    auto opening = tidings::listen(bus, newcomers);
    auto counting = tidings::listen(bus, by_repository);
    auto auditing = tidings::listen(bus, by_type);
    auto accounting = tidings::listen(bus, totals);

    const std::size_t lines = publish_lines(in, bus);
    if (in.bad()) return usage(argv[0]);

    print(std::cout, "Malformed lines", refused);
    print(std::cout, "Releases", released);
    print(std::cout, "Failed checks", failed);
    print(std::cout, "Opened", newcomers.entries);
    by_repository.print(std::cout);
    by_type.print(std::cout);
    std::cout << lines << " lines = " << totals.deliveries << " deliveries + " << totals.malformed << " malformed\n"
              << totals.deliveries << " deliveries = " << totals.typed << " typed + " << totals.audited
              << " only audited\n";
}
