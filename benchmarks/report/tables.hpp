/// The report's text, in Markdown.
#pragma once

#include <report/results.hpp>

#include <iosfwd>

namespace report {

void write_tables(std::ostream& out, const results& all, int runs);

}  // namespace report
