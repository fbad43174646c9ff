/// What the library promises of queues in figures, beside what was measured.
#pragma once

#include <report/requirement.hpp>
#include <report/results.hpp>

#include <vector>

namespace report {

std::vector<requirement> async_requirements(const results& all);

}  // namespace report
