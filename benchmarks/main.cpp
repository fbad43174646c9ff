/// tidings.benchmarks                            what Google Benchmark's own arguments say, see --help
/// tidings.benchmarks --report DIRECTORY [RUNS]  measures everything, prints it against what is promised, and writes
///                                               publish.md and publish.svg into the directory
#include <register.hpp>
#include <report/report.hpp>
#include <second_thread.hpp>

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <string_view>

namespace {

constexpr int default_runs = 7;

void register_all() {
    register_publish();
    register_publishers();
    register_event_types();
    register_subscribe();
    register_lifetimes();
    register_topics();
    register_publish_variants();
}

}  // namespace

int main(int argc, char** argv) {
    const std::string_view mode = argc >= 3 ? argv[1] : "";
    if (mode == "--report") {
        const int runs = argc >= 4 ? std::atoi(argv[3]) : default_runs;  // NOLINT(cert-err34-c)
        return report::write(argv[0], argv[2], runs > 0 ? runs : default_runs) ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    const second_thread companion;
    register_all();
    if (mode == "--samples") {
        report::sample(argv[2]);
        return EXIT_SUCCESS;
    }
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return EXIT_FAILURE;
    benchmark::RunSpecifiedBenchmarks();
}
