/// Takes measurements.
#pragma once

#include <async/suite.hpp>

#include <filesystem>
#include <iosfwd>
#include <string_view>

/// All of them, in an order that is another one each time; writes each sample as one line.
void run_all(const suite& all, const std::filesystem::path& program, std::ostream& to);

/// Those whose name begins so, in this process. False: there is none.
bool run_some(const suite& all, std::string_view name, std::ostream& to);
