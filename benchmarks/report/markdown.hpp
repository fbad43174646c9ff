/// The parts that the reports' tables are made of.
#pragma once

#include <report/requirement.hpp>

#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

namespace report {

std::string fixed(double value, int decimals);

/// Three digits that mean something.
std::string shown(std::optional<double> value);

std::string whole(std::optional<double> value);

std::string cell(const std::string& text);

void write_heading(std::ostream& out, const std::string& first, const std::vector<std::string>& others);

void write_requirements(std::ostream& out, const std::vector<requirement>& all);

}  // namespace report
