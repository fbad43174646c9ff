// GitHub's webhooks, one JSON object a line, find their way by topic: a pattern says what a desk wants. What a desk
// cannot handle becomes a dead letter, and nobody else is held up by it.
#include "../050_github_webhooks/decode.hpp"
#include "../050_github_webhooks/next_line.hpp"
#include "../050_github_webhooks/report.hpp"

#include <tidings/consumer/consumer.hpp>
#include <tidings/consumer/dead_letters.hpp>
#include <tidings/tidings.hpp>
#include <tidings/topic/topic.hpp>

#include <cstddef>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <map>
#include <string>
#include <utility>
#include <variant>

using namespace webhooks;

// A line as it came. Its topic is GitHub's name for it, such as "issues.opened".
struct delivery {
    std::string text;
};

int usage(const char* program) {
    std::cerr << "usage: " << program << " [FILE]\nFILE is read, one delivery a line; without it, a small sample.\n";
    return 2;
}

int main(int argc, char** argv) {
    std::ifstream in{argc > 1 ? argv[1] : WEBHOOKS_SAMPLE, std::ios::binary};
    if (argc > 2 || !in) return usage(argv[0]);

    tidings::bus bus{{.on_error = [](const auto&) {}}};  // failures are read from the dead letters below
    // A file of nothing but nonsense must not stop the rest: of its letters the last thousand are kept.
    tidings::dead_letters undecodable{{.capacity = 1'000, .when_full = tidings::full_of_letters::drop_oldest}};
    // What cannot be read today cannot be read tomorrow.
    const tidings::consumer_options policy{.retry = {.permanent = tidings::permanent_errors<malformed>()},
                                           .dead_letters = undecodable};

    // Each desk has a queue of its own, and one delivery at a time.
    tidings::consumer triage{bus, "triage", policy};
    std::map<std::string, std::size_t> issues;
    triage.on(tidings::topic{"issues.*"},
              [&](const delivery&, const tidings::context& c) { ++issues[std::string{c.topic()}]; });

    tidings::consumer builds{bus, "builds", policy};
    std::map<std::string, std::size_t> conclusions;
    builds.on(tidings::topic{"#.completed"}, [&](const delivery& d) {
        const decoded news = decode(d.text);  // throws malformed
        if (const auto* const check = std::get_if<check_finished>(&news.event)) ++conclusions[check->conclusion];
        else ++conclusions["(something else)"];
    });

    tidings::consumer audit{bus, "audit", policy};
    std::map<std::string, std::size_t> by_repository;
    audit.on(tidings::topic{"#"}, [&](const delivery& d) { ++by_repository[decode(d.text).delivery.repository]; });

    std::size_t lines = 0;
    for (std::string line; next_line(in, line);) {
        ++lines;
        // Who routes reads no more than the name; a line without a good one goes by another.
        const std::string type = type_of(line);
        bus.publish(delivery{std::move(line)}, {.topic = tidings::topic::is_name(type) ? type : "malformed"});
    }
    if (in.bad()) return usage(argv[0]);
    bus.drain();

    const auto print_counts = [](const char* title, const auto& counts) {
        std::cout << title << '\n';
        for (const auto& [name, count] : counts)
            std::cout << std::setw(6) << count << "  " << (name.empty() ? "(none)" : printable(name)) << '\n';
        std::cout << '\n';
    };
    print_counts("Issues", issues);
    print_counts("Builds and other things completed, by how they ended", conclusions);
    print_counts("Audit log, by repository", by_repository);
    std::cout << "Dead letters\n";
    for (const tidings::dead_letter& each : undecodable.list())
        std::cout << "  " << each.consumer << ", " << printable(each.topic) << ": " << printable(each.error) << '\n';
    std::cout << '\n'
              << lines << " lines: " << audit.stats().events.delivered << " in the audit log, "
              << triage.stats().events.delivered << " issues, " << builds.stats().events.delivered << " completed, "
              << undecodable.size() << " dead letters\n";
}
