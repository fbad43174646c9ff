#include <report/markdown.hpp>

#include <cstdio>
#include <ostream>

namespace report {

std::string fixed(double value, int decimals) {
    char text[32];
    std::snprintf(text, sizeof text, "%.*f", decimals, value);
    return text;
}

std::string shown(std::optional<double> value) {
    if (!value) return "-";
    return fixed(*value, *value < 9.95 ? 2 : *value < 99.5 ? 1 : 0);
}

std::string whole(std::optional<double> value) { return value ? fixed(*value, 0) : "-"; }

std::string cell(const std::string& text) { return " " + text + " |"; }

void write_heading(std::ostream& out, const std::string& first, const std::vector<std::string>& others) {
    out << "\n|" << cell(first);
    for (const std::string& each : others) out << cell(each);
    out << "\n|---|";
    for (std::size_t n = 0; n < others.size(); ++n) out << "---:|";
    out << '\n';
}

void write_requirements(std::ostream& out, const std::vector<requirement>& all) {
    write_heading(out, "promised", {"limit", "measured", "met"});
    for (const requirement& each : all) {
        const std::string side = each.kind == requirement::bound::at_most ? "at most " : "at least ";
        const std::string unit = each.unit == "ns" ? " ns" : each.unit;
        const int limit_decimals = each.decimals == 2 ? 1 : 0;
        out << '|' << cell(each.what) << cell(side + fixed(each.limit, limit_decimals) + unit)
            << cell(each.measured ? fixed(*each.measured, each.decimals) + unit : "-")
            << cell(each.met() ? "yes" : "**no**") << '\n';
    }
}

}  // namespace report
