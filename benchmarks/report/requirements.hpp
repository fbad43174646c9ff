/// What the library promises of publish in figures, beside what was measured.
#pragma once

#include <report/requirement.hpp>
#include <report/results.hpp>

#include <vector>

namespace report {

std::vector<requirement> requirements(const results& all);

}  // namespace report
