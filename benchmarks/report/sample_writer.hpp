/// Writes each repetition of each benchmark as one line: name, nanoseconds for one item, allocations for one item.
#pragma once

#include <benchmark/benchmark.h>

#include <filesystem>
#include <fstream>
#include <vector>

namespace report {

class sample_writer : public benchmark::BenchmarkReporter {
public:
    explicit sample_writer(const std::filesystem::path& file) : lines_{file} {}

    bool ReportContext(const Context&) override { return true; }
    void ReportRuns(const std::vector<Run>& repetitions) override;

private:
    std::ofstream lines_;
};

}  // namespace report
