// The one file that knows JSON, and the shape of GitHub's deliveries.
#include "decode.hpp"

#include <nlohmann/json.hpp>

#include <string>
#include <utility>

namespace webhooks {
namespace {

using nlohmann::json;

// Found out before parsing. The parser could tell the depth to a callback, but with a callback nlohmann_json 3.11
// searches an array anew after each object in it: a line of 350,000 empty objects would keep it busy for half a minute.
bool nested_too_deep(std::string_view line) {
    int depth = 0;
    bool quoted = false;
    for (std::size_t n = 0; n < line.size(); ++n) {
        const char c = line[n];
        if (quoted && c == '\\') ++n;  // skips what is escaped, which may be a quote
        else if (c == '"') quoted = !quoted;
        else if (quoted) continue;
        else if (c == '{' || c == '[') {
            if (++depth > deepest_nesting) return true;
        } else if (c == '}' || c == ']') --depth;
    }
    return false;
}

json parse(std::string_view line) {
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) throw malformed{"empty"};
    if (line.size() > longest_line) throw malformed{"longer than " + std::to_string(longest_line) + " bytes"};
    if (nested_too_deep(line)) throw malformed{"nested deeper than " + std::to_string(deepest_nesting)};
    try {
        return json::parse(line);
    } catch (const json::parse_error& e) {  // its text would quote the line
        if (e.byte > line.size()) throw malformed{"JSON that breaks off"};
        throw malformed{"not JSON, or not UTF-8, at byte " + std::to_string(e.byte)};
    } catch (const json::out_of_range&) {
        throw malformed{"a number that is out of range"};
    }
}

// What stands at `path`, a JSON pointer, if it is of that type.
const json& find(const json& line, const char* path, json::value_t type) {
    const json::json_pointer pointer{path};
    if (line.contains(pointer) && line.at(pointer).type() == type) return line.at(pointer);
    throw malformed{std::string{"no "} + json(type).type_name() + " at " + path};
}

std::string text(const json& line, const char* path) {
    return find(line, path, json::value_t::string).get_ref<const std::string&>();
}
std::uint64_t number(const json& line, const char* path) {
    return find(line, path, json::value_t::number_unsigned).get<std::uint64_t>();
}
std::string repository(const json& line) { return text(line, "/payload/repository/full_name"); }

event event_of(std::string_view type, const json& line) {
    if (type == "push")
        return push_received{repository(line), find(line, "/payload/commits", json::value_t::array).size()};
    if (type == "release.published")
        return release_published{repository(line), text(line, "/payload/release/tag_name")};
    if (type == "check_run.completed")
        return check_finished{repository(line), text(line, "/payload/check_run/name"),
                              text(line, "/payload/check_run/conclusion")};
    if (type == "workflow_job.completed")
        return check_finished{repository(line), text(line, "/payload/workflow_job/name"),
                              text(line, "/payload/workflow_job/conclusion")};
    if (type == "issues.opened")
        return issue_opened{repository(line), number(line, "/payload/issue/number"),
                            text(line, "/payload/issue/title")};
    if (type == "pull_request.opened")
        return pull_request_opened{repository(line), number(line, "/payload/pull_request/number"),
                                   text(line, "/payload/pull_request/title")};
    return only_audited{};
}

}  // namespace

decoded decode(std::string_view line_text) {
    const json line = parse(line_text);
    delivery_received delivery{text(line, "/type"), text(line, "/delivery"), {}};
    if (find(line, "/payload", json::value_t::object).contains("repository")) delivery.repository = repository(line);
    auto news = event_of(delivery.type, line);
    return {std::move(delivery), std::move(news)};
}

std::string type_of(std::string_view line) {
    try {
        return text(parse(line), "/type");
    } catch (const malformed&) {
        return {};
    }
}

}  // namespace webhooks
