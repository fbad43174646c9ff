// Bytes from outside: an event or a tidings::error, and an event that goes out is the one that comes in again.
#include <tidings/schema/json_codec.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

struct order {
    std::string id;
    std::int64_t cents = 0;
    std::uint8_t table = 0;
    double tip = 0;
    std::vector<int> counts;
    std::map<std::string, std::uint64_t> notes;
    friend bool operator==(const order&, const order&) = default;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(order, id, cents, table, tip, counts, notes)

void require(bool holds) {
    if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    // A copy that ends where the text does: a byte too many is noticed.
    const std::unique_ptr<char[]> exact{new char[size]};
    std::copy_n(reinterpret_cast<const char*>(data), size, exact.get());
    const std::string_view text{exact.get(), size};
    constexpr tidings::json_limits limits{.bytes = 250, .depth = 8};
    try {
        const auto read = tidings::decode_json<order>(text, limits);
        require(size <= limits.bytes);
        const std::string written = tidings::encode_json(read);
        require(tidings::decode_json<order>(written) == read);
        // Where it is written as a whole number, it was read as one that is the same.
        const nlohmann::json was = nlohmann::json::parse(text);
        if (was.contains("table") && was["table"].is_number()) require(was["table"] == read.table);
    } catch (const tidings::error& e) {
        require(e.code() == tidings::errc::invalid_payload || e.code() == tidings::errc::payload_too_large);
    }
    return 0;
}
