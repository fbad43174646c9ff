#include <report/chart.hpp>
#include <report/machine.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace report {
namespace {

// Colours that can be read on white and on black.
constexpr std::string_view text_colour = "#7d8590";
constexpr std::string_view grid_colour = "#7d859040";

struct style {
    std::string_view subject;
    std::string_view label;
    std::string_view colour;
    double width;
};
constexpr std::array styles{
    style{"signals2", "Boost.Signals2", "#c9622a", 2},
    style{"sigcpp", "libsigc++ (one thread only)", "#a371f7", 2},
    style{"locked_loop", "loop in a std::mutex", "#b8860b", 2},
    style{"function_loop", "loop over std::function", "#7d8590", 2},
    style{"tidings", "tidings", "#2f81f7", 4},
};

constexpr std::array handler_counts{1, 4, 16, 64};
constexpr int width = 800;
constexpr int height = 440;
constexpr double left = 92;
constexpr double right = 520;
constexpr double top = 64;
constexpr double bottom = 372;
constexpr double lowest = 1;
constexpr double highest = 2000;
constexpr double line_height = 17;

double x_of(double handlers) { return left + (right - left) * std::log(handlers) / std::log(handler_counts.back()); }

double y_of(double nanoseconds) {
    return bottom - (bottom - top) * std::log(nanoseconds / lowest) / std::log(highest / lowest);
}

struct point {
    double x;
    double y;
    double nanoseconds;
};

struct line {
    const style* look;
    std::vector<point> points;
};

struct label {
    std::string text;
    std::string_view colour;
    bool bold;
    double y;
};

std::string with_digits(double value) {
    char written[32];
    std::snprintf(written, sizeof written, "%.*f", value < 9.95 ? 1 : 0, value);
    return written;
}

/// Moves labels apart until none covers another, each as near to its line as that allows.
void spread(std::vector<label>& labels) {
    std::sort(labels.begin(), labels.end(), [](const label& a, const label& b) { return a.y < b.y; });
    for (int round = 0; round < 100; ++round) {
        for (std::size_t n = 1; n < labels.size(); ++n) {
            const double overlap = labels[n - 1].y + line_height - labels[n].y;
            if (overlap <= 0) continue;
            labels[n - 1].y -= overlap / 2;
            labels[n].y += overlap / 2;
        }
    }
}

void write_text(std::ostream& out, double x, double y, std::string_view anchor, std::string_view colour,
                std::string_view written, bool bold = false) {
    out << "  <text x=\"" << x << "\" y=\"" << y << "\" text-anchor=\"" << anchor << "\" fill=\"" << colour << '"';
    if (bold) out << " font-weight=\"bold\"";
    out << '>' << written << "</text>\n";
}

void write_grid(std::ostream& out) {
    for (const int nanoseconds : {1, 10, 100, 1000}) {
        const double y = y_of(nanoseconds);
        out << "  <path d=\"M" << left - 8 << ' ' << y << 'H' << right + 8 << "\" stroke=\"" << grid_colour << "\"/>\n";
        write_text(out, left - 52, y + 5, "end", text_colour, std::to_string(nanoseconds));
    }
    for (const int handlers : handler_counts)
        write_text(out, x_of(handlers), bottom + 28, "middle", text_colour, std::to_string(handlers));
    write_text(out, (left + right) / 2, bottom + 50, "middle", text_colour, "handlers");
}

void write_line(std::ostream& out, const line& drawn) {
    out << "  <polyline fill=\"none\" stroke=\"" << drawn.look->colour << "\" stroke-width=\"" << drawn.look->width
        << "\" points=\"";
    for (const point& each : drawn.points) out << each.x << ',' << each.y << ' ';
    out << "\"/>\n";
    for (const point& each : drawn.points)
        out << "  <circle cx=\"" << each.x << "\" cy=\"" << each.y << "\" r=\"" << drawn.look->width + 1 << "\" fill=\""
            << drawn.look->colour << "\"/>\n";
}

void write_labels(std::ostream& out, double x, std::string_view anchor, std::vector<label> labels) {
    spread(labels);
    for (const label& each : labels) write_text(out, x, each.y + 5, anchor, each.colour, each.text, each.bold);
}

std::vector<line> lines_of(const results& all) {
    std::vector<line> lines;
    for (const style& look : styles) {
        line added{&look, {}};
        for (const int handlers : handler_counts) {
            const std::string name = "publish/" + std::string{look.subject} + "/" + std::to_string(handlers);
            if (const std::optional<double> taken = all.nanoseconds(name))
                added.points.push_back({x_of(handlers), y_of(*taken), *taken});
        }
        if (!added.points.empty()) lines.push_back(std::move(added));
    }
    return lines;
}

}  // namespace

void write_chart(std::ostream& out, const results& all) {
    const std::vector<line> lines = lines_of(all);
    out << "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " << width << ' ' << height
        << "\" font-family=\"system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif\" font-size=\"14\">\n"
        << "  <title>Nanoseconds for one publish, by the number of handlers</title>\n";
    write_text(out, 20, 24, "start", text_colour, "Nanoseconds for one publish: less is better", true);
    write_text(out, 20, 44, "start", text_colour, machine() + ", " + compiler() + "; both axes logarithmic");
    write_grid(out);
    std::vector<label> first_values;
    std::vector<label> names;
    for (const line& each : lines) {
        write_line(out, each);
        const bool bold = each.look->subject == "tidings";
        const point& first = each.points.front();
        const point& last = each.points.back();
        first_values.push_back({with_digits(first.nanoseconds), each.look->colour, bold, first.y});
        names.push_back(
            {std::string{each.look->label} + "  " + with_digits(last.nanoseconds), each.look->colour, bold, last.y});
    }
    write_labels(out, left - 12, "end", std::move(first_values));
    write_labels(out, right + 16, "start", std::move(names));
    out << "</svg>\n";
}

}  // namespace report
