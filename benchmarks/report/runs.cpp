#include <report/runs.hpp>

#include <cstdlib>
#include <iostream>
#include <string>

namespace report {

std::optional<results> run(const std::filesystem::path& program, const std::filesystem::path& directory, int runs) {
    std::filesystem::create_directories(directory);
    const std::filesystem::path samples = directory / "samples";
    results all;
    for (int run = 1; run <= runs; ++run) {
        std::cerr << "run " << run << " of " << runs << std::endl;
        const std::string command = "\"" + program.string() + "\" --samples \"" + samples.string() + "\"";
        if (std::system(command.c_str()) != 0) return std::nullopt;  // NOLINT: our own name and the user's
        all.add_run(samples);
    }
    std::filesystem::remove(samples);
    return all;
}

}  // namespace report
