#include <async/process_usage.hpp>

#include <ctime>
#include <fstream>
#include <limits>
#include <string>

namespace {

double of_status(const std::string& key) {
    std::ifstream lines{"/proc/self/status"};
    for (std::string line; std::getline(lines, line);)
        if (line.starts_with(key + ":")) return std::stod(line.substr(key.size() + 1)) / 1024;
    return std::numeric_limits<double>::quiet_NaN();
}

}  // namespace

// The standard says of the process, and POSIX that all threads count.
double processor_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

double resident_mebibytes() { return of_status("VmRSS"); }
double peak_resident_mebibytes() { return of_status("VmHWM"); }
