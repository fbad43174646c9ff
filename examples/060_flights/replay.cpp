#include "replay.hpp"

#include "decode.hpp"
#include "events.hpp"

#include <chrono>
#include <string>
#include <thread>
#include <variant>

namespace flights {
namespace {

// Keeps no more of a line than it takes to refuse it.
bool next_line(std::istream& in, std::string& line) {
    line.clear();
    char c = 0;
    while (in.get(c) && c != '\n')
        if (line.size() <= longest_line) line += c;
    return in || !line.empty();  // the last line may lack its end
}

}  // namespace

std::vector<movement> read(std::istream& in, tidings::bus& bus, std::size_t& lines) {
    std::vector<movement> all;
    for (std::string line; next_line(in, line);) {
        ++lines;
        try {
            add(all, decode(line));
        } catch (const malformed& e) {
            bus.publish(line_rejected{lines, e.what()});
        }
    }
    put_in_order(all);
    return all;
}

void replay(const std::vector<movement>& all, tidings::bus& bus, unsigned speed_up) {
    using std::chrono::steady_clock;
    const auto begin = steady_clock::now();
    for (std::size_t n = 0; n != all.size(); ++n) {
        if (speed_up != 0) {
            const steady_clock::duration passed = time_of(all[n]) - time_of(all[0]);
            std::this_thread::sleep_until(begin + passed / speed_up);
        }
        std::visit([&](const auto& event) { bus.publish(event); }, all[n]);
        const std::size_t percent = (n + 1) * 100 / all.size();
        if (percent != n * 100 / all.size()) bus.publish(progress_made{percent});
    }
}

}  // namespace flights
