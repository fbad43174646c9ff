/// Runs a program of measurements several times over.
#pragma once

#include <report/results.hpp>

#include <filesystem>
#include <optional>

namespace report {

/// The samples that `program --samples FILE` wrote in each of its runs; nothing if one failed. `directory` is there
/// afterwards.
std::optional<results> run(const std::filesystem::path& program, const std::filesystem::path& directory, int runs);

}  // namespace report
