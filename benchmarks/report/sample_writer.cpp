#include <report/sample_writer.hpp>

#include <string>

namespace report {
namespace {

using run = benchmark::BenchmarkReporter::Run;

/// The name as it was registered, the argument and the threads; not how it was timed.
std::string short_name(const run& r) {
    std::string name = r.run_name.function_name;
    for (const std::string& part : {r.run_name.args, r.run_name.threads})
        if (!part.empty()) name += "/" + part;
    return name;
}

/// Of the processor where one thread is timed: others who use the machine count less then.
double nanoseconds_of_an_item(const run& r) {
    if (const auto rate = r.counters.find("items_per_second"); rate != r.counters.end()) return 1e9 / rate->second;
    return r.run_name.time_type.empty() ? r.GetAdjustedCPUTime() : r.GetAdjustedRealTime();
}

double allocations_of_an_item(const run& r) {
    const auto counted = r.counters.find("allocations");
    return counted != r.counters.end() ? double{counted->second} : 0;
}

}  // namespace

void sample_writer::ReportRuns(const std::vector<Run>& repetitions) {
    for (const Run& each : repetitions)
        if (each.run_type == Run::RT_Iteration && !each.error_occurred)
            lines_ << short_name(each) << ' ' << nanoseconds_of_an_item(each) << ' ' << allocations_of_an_item(each)
                   << '\n';
    lines_.flush();
}

}  // namespace report
