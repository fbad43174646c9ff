#include <report/machine.hpp>

#include <fstream>
#include <string_view>
#include <thread>

namespace report {
namespace {

std::string_view vendor_named(std::string_view id) {
    if (id == "AuthenticAMD") return "AMD";
    if (id == "GenuineIntel") return "Intel";
    return id;
}

std::string processor() {
    std::ifstream lines{"/proc/cpuinfo"};
    constexpr std::string_view key = "vendor_id";
    for (std::string line; std::getline(lines, line);) {
        const auto colon = line.find(": ");
        if (line.starts_with(key) && colon != std::string::npos)
            return std::string{vendor_named(std::string_view{line}.substr(colon + 2))};
    }
    return "unknown";
}

}  // namespace

std::string machine() {
    return processor() + " processor, " + std::to_string(std::thread::hardware_concurrency()) + " cores";
}

std::string compiler() {
#if defined(__clang__)
    return "clang " + std::to_string(__clang_major__) + "." + std::to_string(__clang_minor__);
#elif defined(__GNUC__)
    return "gcc " + std::to_string(__GNUC__) + "." + std::to_string(__GNUC_MINOR__);
#elif defined(_MSC_VER)
    return "MSVC " + std::to_string(_MSC_VER);
#else
    return "unknown compiler";
#endif
}

}  // namespace report
