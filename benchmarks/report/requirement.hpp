/// One thing that the library promises in figures, beside what was measured.
#pragma once

#include <optional>
#include <string>

namespace report {

struct requirement {
    std::string what;
    enum class bound { at_most, at_least } kind;
    double limit;
    std::string unit;
    std::optional<double> measured;
    int decimals = 2;

    /// As printed: a difference that the table does not show does not decide.
    bool met() const;
};

}  // namespace report
