#include <report/results.hpp>

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <utility>

namespace report {
namespace {

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    const std::size_t half = values.size() / 2;
    return values.size() % 2 != 0 ? values[half] : (values[half - 1] + values[half]) / 2;
}

}  // namespace

void results::add_run(const std::filesystem::path& file) {
    std::ifstream lines{file};
    run added;
    std::string name;
    double nanoseconds = 0;
    double allocations = 0;
    while (lines >> name >> nanoseconds >> allocations) {
        added[name].nanoseconds.push_back(nanoseconds);
        added[name].allocations.push_back(allocations);
    }
    runs_.push_back(std::move(added));
}

template <class Value>
std::optional<double> results::median_over_runs(Value value) const {
    std::vector<double> values;
    for (const run& each : runs_)
        if (const std::optional<double> one = value(each)) values.push_back(*one);
    if (values.empty()) return std::nullopt;
    return median(std::move(values));
}

std::optional<double> results::value(const std::string& name) const {
    return median_over_runs([&](const run& r) -> std::optional<double> {
        const auto found = r.find(name);
        if (found == r.end()) return std::nullopt;
        return median(found->second.nanoseconds);
    });
}

std::optional<double> results::allocations(const std::string& name) const {
    return median_over_runs([&](const run& r) -> std::optional<double> {
        const auto found = r.find(name);
        if (found == r.end()) return std::nullopt;
        return median(found->second.allocations);
    });
}

std::optional<double> results::ratio(const std::string& name, const std::string& other) const {
    return median_over_runs([&](const run& r) -> std::optional<double> {
        const auto found = r.find(name);
        const auto base = r.find(other);
        if (found == r.end() || base == r.end()) return std::nullopt;
        return median(found->second.nanoseconds) / median(base->second.nanoseconds);
    });
}

std::optional<double> results::excess(const std::string& name, const std::string& other) const {
    return median_over_runs([&](const run& r) -> std::optional<double> {
        const auto found = r.find(name);
        const auto base = r.find(other);
        if (found == r.end() || base == r.end()) return std::nullopt;
        return median(found->second.nanoseconds) - median(base->second.nanoseconds);
    });
}

}  // namespace report
