// The one file that knows JSON.
#include "decode.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>

namespace flights {
namespace {

using nlohmann::json;

json parse(std::string_view line) {
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) throw malformed{"empty"};
    if (line.size() > longest_line) throw malformed{"longer than " + std::to_string(longest_line) + " bytes"};
    try {
        return json::parse(line);
    } catch (const json::parse_error& e) {  // its text would quote the line
        if (e.byte > line.size()) throw malformed{"JSON that breaks off"};
        throw malformed{"not JSON, or not UTF-8, at byte " + std::to_string(e.byte)};
    } catch (const json::out_of_range&) {
        throw malformed{"a number that is out of range"};
    }
}

const json& find(const json& line, const char* name) {
    if (!line.is_object() || !line.contains(name)) throw malformed{std::string{"no "} + name};
    return line[name];
}

int number(const json& line, const char* name, std::int64_t least, std::int64_t most) {
    const json& found = find(line, name);
    // An unsigned number beyond the signed ones would wrap around.
    if (!found.is_number_integer() || (found.is_number_unsigned() && found.get<std::uint64_t>() > INT32_MAX))
        throw malformed{std::string{name} + " is not a number of minutes or miles"};
    const auto value = found.get<std::int64_t>();
    if (value < least || value > most) throw malformed{std::string{name} + " is out of range"};
    return static_cast<int>(value);
}

std::string airport(const json& line, const char* name) {
    const json& found = find(line, name);
    if (found.is_string()) {
        const auto& code = found.get_ref<const std::string&>();
        // Which also makes it fit to be printed.
        if (code.size() == 3 && std::ranges::all_of(code, [](char c) { return c >= 'A' && c <= 'Z'; })) return code;
    }
    throw malformed{std::string{name} + " is not three capital letters"};
}

// "2001/01/13 14:56"
minute time(const json& line) {
    const json& found = find(line, "date");
    constexpr std::string_view form = "0000/00/00 00:00";
    if (!found.is_string() || found.get_ref<const std::string&>().size() != form.size())
        throw malformed{"date is not like 2001/01/31 23:59"};
    const std::string_view text = found.get_ref<const std::string&>();
    for (std::size_t n = 0; n != form.size(); ++n)
        if (form[n] == '0' ? text[n] < '0' || text[n] > '9' : text[n] != form[n])
            throw malformed{"date is not like 2001/01/31 23:59"};
    const auto digits = [&](std::size_t at, std::size_t count) {
        int value = 0;
        std::from_chars(text.data() + at, text.data() + at + count, value);
        return value;
    };
    const std::chrono::year_month_day day{std::chrono::year{digits(0, 4)},
                                          std::chrono::month{static_cast<unsigned>(digits(5, 2))},
                                          std::chrono::day{static_cast<unsigned>(digits(8, 2))}};
    if (!day.ok() || digits(11, 2) > 23 || digits(14, 2) > 59) throw malformed{"date is none of the calendar"};
    return std::chrono::sys_days{day} + std::chrono::hours{digits(11, 2)} + std::chrono::minutes{digits(14, 2)};
}

}  // namespace

flight decode(std::string_view text) {
    const json line = parse(text);
    return {.scheduled = time(line),
            .delay = number(line, "delay", -1'440, 100'000),
            .distance = number(line, "distance", 0, 30'000),
            .origin = airport(line, "origin"),
            .destination = airport(line, "destination")};
}

}  // namespace flights
