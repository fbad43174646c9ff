/// Runs this program several times over and writes what it measured.
#pragma once

#include <filesystem>

namespace report {

/// Writes publish.md and publish.svg into `directory`, and the former to the standard output too. False if a run
/// failed.
bool write(const std::filesystem::path& program, const std::filesystem::path& directory, int runs);

/// One such run: writes its samples to `file`.
void sample(const std::filesystem::path& file);

}  // namespace report
