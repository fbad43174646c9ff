/// In general terms, what the figures come from.
#pragma once

#include <string>

namespace report {

std::string machine();
std::string compiler();

}  // namespace report
