// How late flights leave, airport by airport.
#pragma once

#include "events.hpp"
#include "timeline.hpp"

#include <tidings/tidings.hpp>

#include <algorithm>
#include <cstddef>
#include <deque>
#include <functional>
#include <iomanip>
#include <map>
#include <ostream>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace flights {

// Mean delay of the last departures, for each airport.
//
// There is no lock here, although several threads call it. ordered_by(airport) gives each airport's events to one
// thread at a time, in order; and the map, which all of them share, is complete before the first event: find() changes
// nothing.
class delay_board {
public:
    using listens_to = tidings::events<departed, arrived>;
    static constexpr std::size_t window = 10;

    explicit delay_board(const std::vector<movement>& all) {
        for (const movement& m : all) std::visit([&](const auto& event) { airports_.try_emplace(event.airport); }, m);
    }

    void on(const departed& e) {
        airport& here = airports_.find(e.airport)->second;
        here.note(e.time);
        ++here.departures;
        here.delays.push_back(e.delay);
        if (here.delays.size() > window) here.delays.pop_front();
    }
    void on(const arrived& e) {
        airport& here = airports_.find(e.airport)->second;
        here.note(e.time);
        ++here.arrivals;
    }

    // The busiest airports. To be called when nothing is under way.
    void print(std::ostream& out, std::size_t most) const {
        std::vector<const entry*> busiest;
        for (const entry& each : airports_) busiest.push_back(&each);
        std::ranges::stable_sort(busiest, std::greater{}, [](const entry* e) { return e->second.departures; });
        busiest.resize(std::min(most, busiest.size()));
        out << "Mean delay of the last " << window << " departures, in minutes\n"
            << "  airport  departures  arrivals  mean delay\n";
        for (const entry* each : busiest) {
            const airport& a = each->second;
            out << "  " << each->first << std::setw(16) << a.departures << std::setw(10) << a.arrivals << std::setw(12);
            if (a.delays.empty()) out << '-' << '\n';
            else out << std::fixed << std::setprecision(1) << a.mean() << '\n';
        }
        out << '\n';
    }

    std::size_t departures() const { return sum(&airport::departures); }
    std::size_t arrivals() const { return sum(&airport::arrivals); }

    // How many events came to their airport after a later one.
    std::size_t out_of_order() const { return sum(&airport::out_of_order); }

private:
    struct airport {
        std::deque<int> delays;
        std::size_t departures = 0, arrivals = 0, out_of_order = 0;
        minute latest = minute::min();

        void note(minute time) {
            if (time < latest) ++out_of_order;
            latest = std::max(latest, time);
        }
        double mean() const {
            int sum = 0;
            for (const int delay : delays) sum += delay;
            return sum / static_cast<double>(delays.size());
        }
    };
    using entry = std::pair<const std::string, airport>;

    std::size_t sum(std::size_t airport::*figure) const {
        std::size_t result = 0;
        for (const auto& [code, each] : airports_) result += each.*figure;
        return result;
    }

    std::map<std::string, airport> airports_;
};

}  // namespace flights
