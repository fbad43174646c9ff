// Sums by the minute, and visits: events are folded by when they happened, not by when they arrive.
#include <tidings/consumer/windows.hpp>
#include <tidings/tidings.hpp>

#include <chrono>
#include <iostream>
#include <string>
#include <vector>

using namespace std::chrono_literals;

struct sale {
    tidings::event_time at;  // by the clock of the till
    std::string shop;
    int cents = 0;
};

// A program has the time of day here; this one begins at noon.
constexpr tidings::event_time noon{12h};

std::string clock(tidings::event_time t) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(t.time_since_epoch()).count();
    const auto two = [](auto n) { return (n < 10 ? "0" : "") + std::to_string(n); };
    return two(seconds / 3'600 % 24) + ":" + two(seconds / 60 % 60) + ":" + two(seconds % 60);
}

const char* words(tidings::window_outcome why) {
    return why == tidings::window_outcome::late ? "too late" : "with a time that nobody believes";
}

using takings = tidings::window_aggregator<std::string, int, sale>;

void by_the_minute(tidings::bus& bus) {
    std::cout << "by the minute\n";
    takings minutes{tidings::tumbling(1min),
                    {.fold = [](int& sum, const sale& s) { sum += s.cents; },
                     .closed =
                         [](const tidings::window<std::string, int>& w) {
                             std::cout << "  " << clock(w.start) << " " << w.key << ": " << w.value << " cents, "
                                       << w.count << " sales\n";
                         },
                     .missed =
                         [](const tidings::missed_event<std::string, sale>& m) {
                             std::cout << "  " << clock(m.time) << " " << m.key << ": " << m.event.cents
                                       << " cents come " << words(m.why) << '\n';
                         }},
                    {.allowed_lateness = 10s}};

    // One event at a time is what the aggregator asks for. With tidings::async any number of threads may publish.
    auto counting = bus.subscribe([&](const sale& s) { minutes.add(s.at, s.shop, s); });

    bus.publish(sale{noon + 5s, "harbour", 300});
    bus.publish(sale{noon + 62s, "station", 200});
    bus.publish(sale{noon + 58s, "harbour", 150});  // late, but its minute is open still
    bus.publish(sale{noon + 24h, "station", 999});  // a wrong clock, which closes nothing
    bus.publish(sale{noon + 75s, "harbour", 400});  // ten seconds past the minute: 12:00 closes
    bus.publish(sale{noon + 59s, "harbour", 100});

    minutes.advance_to(noon + 2min);  // nobody sells anything, but time goes on
    std::cout << "  " << minutes.stats().late << " late, " << minutes.stats().too_far_ahead << " not believed\n";
}

void averages(tidings::bus& bus) {
    std::cout << "the last three minutes, each minute\n";
    takings recent{tidings::sliding(3min, 1min),
                   {.fold = [](int& sum, const sale& s) { sum += s.cents; },
                    .closed =
                        [](const tidings::window<std::string, int>& w) {
                            std::cout << "  until " << clock(w.end) << ": " << w.value << " cents\n";
                        }}};
    auto counting = bus.subscribe([&](const sale& s) { recent.add(s.at, s.shop, s); });
    for (int minute = 0; minute < 4; ++minute) bus.publish(sale{noon + minute * 1min, "harbour", 100});
    recent.flush();
}

void visits(tidings::bus& bus) {
    std::cout << "visits\n";
    using baskets = std::vector<int>;
    tidings::window_aggregator<std::string, baskets, sale> rushes{
        tidings::session(30s),
        {.fold = [](baskets& all, const sale& s) { all.push_back(s.cents); },
         .merge = [](baskets& to, baskets&& from) { to.insert(to.end(), from.begin(), from.end()); },
         .closed =
             [](const tidings::window<std::string, baskets>& w) {
                 std::cout << "  " << clock(w.start) << " to " << clock(w.end) << ": " << w.count << " sales\n";
             }},
        {.allowed_lateness = 1min}};
    auto counting = bus.subscribe([&](const sale& s) { rushes.add(s.at, s.shop, s); });
    for (const auto second : {0s, 40s, 20s, 100s}) bus.publish(sale{noon + second, "harbour", 100});  // 20 joins two
    rushes.flush();
}

int main() {
    tidings::bus bus;
    by_the_minute(bus);
    averages(bus);
    visits(bus);
}
