/// The report's picture: nanoseconds for a publish by the number of handlers, both logarithmic.
#pragma once

#include <report/results.hpp>

#include <iosfwd>

namespace report {

void write_chart(std::ostream& out, const results& all);

}  // namespace report
