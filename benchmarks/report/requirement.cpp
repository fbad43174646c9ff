#include <report/requirement.hpp>

#include <cmath>

namespace report {

bool requirement::met() const {
    if (!measured) return false;
    const double shown = std::pow(10, decimals);
    const double rounded = std::round(*measured * shown) / shown;
    return kind == bound::at_most ? rounded <= limit : rounded >= limit;
}

}  // namespace report
