#include <report/chart.hpp>
#include <report/report.hpp>
#include <report/results.hpp>
#include <report/runs.hpp>
#include <report/sample_writer.hpp>
#include <report/tables.hpp>

#include <benchmark/benchmark.h>

#include <array>
#include <fstream>
#include <iostream>
#include <optional>
#include <sstream>
#include <string>

namespace report {

bool write(const std::filesystem::path& program, const std::filesystem::path& directory, int runs) {
    const std::optional<results> all = run(program, directory, runs);
    if (!all) return false;
    std::ostringstream tables;
    write_tables(tables, *all, runs);
    std::cout << tables.str();
    std::ofstream{directory / "publish.md"} << tables.str();
    std::ofstream chart{directory / "publish.svg"};
    write_chart(chart, *all);
    return chart.good();
}

void sample(const std::filesystem::path& file) {
    std::array<std::string, 4> arguments{"tidings.benchmarks", "--benchmark_repetitions=5",
                                         "--benchmark_enable_random_interleaving=true", "--benchmark_min_time=0.03"};
    std::array<char*, arguments.size()> argv{};
    for (std::size_t n = 0; n < arguments.size(); ++n) argv[n] = arguments[n].data();
    int argc = static_cast<int>(argv.size());
    benchmark::Initialize(&argc, argv.data());
    sample_writer writer{file};
    benchmark::RunSpecifiedBenchmarks(&writer);
}

}  // namespace report
