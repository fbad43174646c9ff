#include <async/run.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ostream>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

void take(const measurement& each, std::ostream& to) {
    samples taken;
    each.take(taken);
    for (const sample& s : taken) to << s.name << ' ' << s.value << ' ' << s.allocations << '\n';
    to.flush();
}

/// The program once more, for this one only.
void take_elsewhere(const measurement& each, const std::filesystem::path& program, std::ostream& to) {
    const std::string command = "\"" + program.string() + "\" --only " + each.name;
    std::FILE* const lines = ::popen(command.c_str(), "r");  // NOLINT: our own name, and the measurement's
    if (lines == nullptr) throw std::runtime_error{"cannot start " + command};
    char text[256];
    while (std::fgets(text, sizeof text, lines) != nullptr) to << text;
    to.flush();
    if (::pclose(lines) != 0) throw std::runtime_error{"failed: " + command};
}

}  // namespace

void run_all(const suite& all, const std::filesystem::path& program, std::ostream& to) {
    std::vector<const measurement*> order;
    for (const measurement& each : all) order.insert(order.end(), each.repetitions, &each);
    std::shuffle(order.begin(), order.end(), std::mt19937{std::random_device{}()});
    for (const measurement* const each : order) {
        if (each->where == measurement::place::here) take(*each, to);
        else take_elsewhere(*each, program, to);
    }
}

bool run_some(const suite& all, std::string_view name, std::ostream& to) {
    bool any = false;
    for (const measurement& each : all) {
        if (!each.name.starts_with(name)) continue;
        take(each, to);
        any = true;
    }
    return any;
}
