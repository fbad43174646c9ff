/// What was measured: the samples of several runs of this program, by the names of the benchmarks.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace report {

/// Medians throughout: over the repetitions within a run, then over the runs.
class results {
public:
    /// Adds the samples of one run, as sample_writer wrote them.
    void add_run(const std::filesystem::path& file);

    /// Nanoseconds, unless the name says what else.
    std::optional<double> value(const std::string& name) const;

    std::optional<double> nanoseconds(const std::string& name) const { return value(name); }
    std::optional<double> allocations(const std::string& name) const;

    /// How many times as long as `other` it took. Each run gives one ratio, so that what slowed a whole run does not
    /// count.
    std::optional<double> ratio(const std::string& name, const std::string& other) const;

    /// The median over the runs of what is longer in `name` than in `other`.
    std::optional<double> excess(const std::string& name, const std::string& other) const;

private:
    struct repetitions {
        std::vector<double> nanoseconds;
        std::vector<double> allocations;
    };
    using run = std::map<std::string, repetitions>;

    template <class Value>
    std::optional<double> median_over_runs(Value value) const;

    std::vector<run> runs_;
};

}  // namespace report
