/// The report on events that go through queues, in Markdown.
#pragma once

#include <report/results.hpp>

#include <iosfwd>

namespace report {

void write_async_tables(std::ostream& out, const results& all, int runs);

}  // namespace report
