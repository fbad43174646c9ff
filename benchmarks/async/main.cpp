/// tidings.benchmarks.async --only NAME                what has a name that begins so, once, to the standard output:
///                                                     name, nanoseconds (unless it says otherwise), allocations
/// tidings.benchmarks.async --report DIRECTORY [RUNS]  measures everything, prints it against what is promised, and
///                                                     writes async.md into the directory
#include <async/report/tables.hpp>
#include <async/run.hpp>
#include <async/suite.hpp>
#include <report/runs.hpp>
#include <second_thread.hpp>

#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>
#include <sstream>
#include <string_view>

namespace {

constexpr int default_runs = 7;

suite everything() {
    suite all;
    add_throughput(all);
    add_bare_line(all);
    add_latency(all);
    add_parked_latency(all);
    add_timers(all);
    add_idle(all);
    add_memory(all);
    add_work_queue(all);
    return all;
}

bool write_report(const std::filesystem::path& program, const std::filesystem::path& directory, int runs) {
    const std::optional<report::results> all = report::run(program, directory, runs);
    if (!all) return false;
    std::ostringstream tables;
    report::write_async_tables(tables, *all, runs);
    std::cout << tables.str();
    std::ofstream file{directory / "async.md"};
    file << tables.str();
    return file.good();
}

bool run(int argc, char** argv) {
    const std::string_view mode = argc >= 3 ? argv[1] : "";
    if (mode == "--report") {
        const int runs = argc >= 4 ? std::atoi(argv[3]) : default_runs;  // NOLINT(cert-err34-c)
        return write_report(argv[0], argv[2], runs > 0 ? runs : default_runs);
    }
    const second_thread companion;
    if (mode == "--only") return run_some(everything(), argv[2], std::cout);
    if (mode == "--samples") {
        std::ofstream file{argv[2]};
        run_all(everything(), argv[0], file);
        return file.good();
    }
    std::cerr << "tidings.benchmarks.async --only NAME | --report DIRECTORY [RUNS]\n";
    return false;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return run(argc, argv) ? EXIT_SUCCESS : EXIT_FAILURE;
    } catch (const std::exception& e) {
        std::cerr << "tidings.benchmarks.async: " << e.what() << '\n';
        return EXIT_FAILURE;
    }
}
