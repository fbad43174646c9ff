// traceparent against what the standard says of it, on what a fuzzer makes up: a traceparent, a line's end, a
// tracestate.
#include <tidings/consumer/trace_headers.hpp>
#include <tidings/consumer/traceparent.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

/// By shape: each place a digit or a dash, then the values that are ruled out.
bool is_sound(std::string_view text) {
    constexpr std::string_view shape = "xx-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx-xxxxxxxxxxxxxxxx-xx";
    if (text.size() < shape.size()) return false;
    for (std::size_t n = 0; n != shape.size(); ++n) {
        const bool digit = (text[n] >= '0' && text[n] <= '9') || (text[n] >= 'a' && text[n] <= 'f');
        if (shape[n] == 'x' ? !digit : text[n] != '-') return false;
    }
    const auto is_zero = [](std::string_view id) { return id.find_first_not_of('0') == std::string_view::npos; };
    if (text.starts_with("ff") || is_zero(text.substr(3, 32)) || is_zero(text.substr(36, 16))) return false;
    return text.size() == shape.size() || (!text.starts_with("00") && text[shape.size()] == '-');
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    const std::size_t end = std::min(text.find('\n'), size);
    // A copy that ends where the text does: a byte too many is noticed.
    const std::unique_ptr<char[]> exact{new char[end]};
    std::copy_n(text.begin(), end, exact.get());
    const std::string_view value{exact.get(), end};
    const std::string_view state = end != size ? text.substr(end + 1) : std::string_view{};

    const auto read = tidings::traceparent::parse(value);
    require(read.has_value() == is_sound(value));
    const tidings::headers made = tidings::trace_headers(read, state);
    require(made.size() <= 2 && made.empty() == !read);
    if (made.size() == 2)
        require(made[1].value == state && state.size() <= tidings::longest_tracestate &&
                state.find_first_of(std::string_view{"\r\n\0", 3}) == std::string_view::npos);
    if (!read) return 0;
    const std::string written = to_string(*read);
    require(written.size() == 55 && written.starts_with("00-") && written.substr(2, 51) == value.substr(2, 51));
    require(tidings::traceparent::parse(written) == read);
    const tidings::lineage from = tidings::lineage_of(read);
    require(from.correlation_id == read->trace_id && from.causation_id.low() == read->parent_id);
    return 0;
}
