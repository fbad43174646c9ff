#include <tidings/schema/json_codec.hpp>

#include "support/catch.hpp"
#include "support/seed.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <limits>
#include <map>
#include <new>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

using tidings::decode_json;
using tidings::encode_json;
using tidings::errc;

struct line {
    std::string dish;
    int count = 0;
    friend bool operator==(const line&, const line&) = default;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(line, dish, count)

struct order {
    std::string id;
    std::int64_t cents = 0;
    std::uint8_t table = 0;
    double tip = 0;
    float share = 0;
    bool paid = false;
    std::vector<line> lines;
    std::map<std::string, std::uint64_t> notes;
    friend bool operator==(const order&, const order&) = default;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(order, id, cents, table, tip, share, paid, lines, notes)

/// Any JSON.
struct anything {
    nlohmann::json value;
};
void to_json(nlohmann::json& json, const anything& a) { json = a.value; }
void from_json(const nlohmann::json& json, anything& a) { a.value = json; }

enum class trouble { none, memory, other, number };
struct troubled {
    trouble how = trouble::none;
};
void to_json(nlohmann::json& json, const troubled& t) {
    if (t.how == trouble::memory) throw std::bad_alloc{};
    if (t.how == trouble::other) throw std::runtime_error{"secret"};
    json = nlohmann::json::object();
}
void from_json(const nlohmann::json& json, troubled&) {
    if (json == "memory") throw std::bad_alloc{};
    if (json == "other") throw std::runtime_error{"secret"};
}

const order sample{
    "A-1", 4'200, 7, 0.1, 0.1F, true, {{"soup", 2}, {"caf\xC3\xA9", -1}}, {{"a\"b\\c\n", ~std::uint64_t{0}}}};

template <class F>
std::optional<std::error_code> error_of(F f) {
    try {
        f();
    } catch (const tidings::error& e) {
        CHECK(std::string_view{e.what()}.find("secret") == std::string_view::npos);
        return e.code();
    }
    return std::nullopt;
}

template <class E = order>
std::optional<std::error_code> decoding(std::string_view text, const tidings::json_limits& limits = {}) {
    return error_of([&] { static_cast<void>(decode_json<E>(text, limits)); });
}

std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

}  // namespace

TEST_CASE("an event that was encoded is the same one when it is decoded") {
    CHECK(decode_json<order>(encode_json(sample)) == sample);
    CHECK(encode_json(sample).find('\n') == std::string::npos);
    order extreme;
    extreme.cents = std::numeric_limits<std::int64_t>::min();
    extreme.table = 255;
    extreme.tip = std::numeric_limits<double>::denorm_min();
    extreme.share = std::numeric_limits<float>::max();
    extreme.id = std::string("\0\x01\x7F", 3);
    CHECK(decode_json<order>(encode_json(extreme)) == extreme);
}

TEST_CASE("random events come back as they were") {
    std::mt19937_64 random{support::fresh_seed("schema.json_codec")};
    for (int round = 0; round != 500; ++round) {
        const auto text = [&] {
            std::string made;
            for (auto n = random() % 20; n-- != 0;) made.push_back(static_cast<char>(random() % 128));
            return made;
        };
        order o{text(),
                static_cast<std::int64_t>(random()),
                static_cast<std::uint8_t>(random()),
                0,
                0,
                random() % 2 == 0,
                {},
                {}};
        o.tip = static_cast<double>(random()) / static_cast<double>(random() | 1U);
        o.share = static_cast<float>(o.tip);
        for (auto n = random() % 5; n-- != 0;) o.lines.push_back({text(), static_cast<int>(random())});
        for (auto n = random() % 5; n-- != 0;) o.notes[text()] = random();
        REQUIRE(decode_json<order>(encode_json(o)) == o);
    }
}

TEST_CASE("what is cut off, or changed in any byte, is an error or an event, and nothing else") {
    const std::string text = encode_json(sample);
    for (std::size_t n = 0; n != text.size(); ++n) CHECK(decoding<order>(text.substr(0, n)) == errc::invalid_payload);
    for (std::size_t n = 0; n != text.size(); ++n)
        for (int byte = 0; byte != 256; ++byte) {
            std::string other = text;
            other[n] = static_cast<char>(byte);
            const auto failed = decoding<order>(other);
            if (failed && *failed != errc::invalid_payload) FAIL("byte " << n << " as " << byte << ": " << *failed);
        }
}

TEST_CASE("what is missing, or of another type, is an invalid payload") {
    for (const char* text : {"", " ", "null", "1", "[]", "{}", R"({"id":"A"})", "{\"id\":\"A-1\"", "nan", "{'a':1}"})
        CHECK(decoding<order>(text) == errc::invalid_payload);
    auto json = nlohmann::json(sample);
    for (const auto& field : {"id", "cents", "table", "paid", "lines"}) {
        auto other = json;
        other[field] = {{"an", "object"}};
        CHECK(decoding<order>(other.dump()) == errc::invalid_payload);
        other.erase(field);
        CHECK(decoding<order>(other.dump()) == errc::invalid_payload);
    }
    json["more"] = "than the type has";
    CHECK(decode_json<order>(json.dump()) == sample);
}

TEST_CASE("a number that its field cannot hold is an invalid payload") {
    const auto with = [](const char* field, const std::string& number) {
        std::string text = nlohmann::json(sample).dump();
        const std::string name = std::string{"\""} + field + "\":";
        const auto begin = text.find(name) + name.size();
        return text.replace(begin, text.find_first_of(",}", begin) - begin, number);
    };
    CHECK(decode_json<order>(with("cents", "4200.0")) == sample);
    CHECK(decode_json<order>(with("table", "255")).table == 255);
    for (const char* number : {"256", "-1", "7.5", "1099511627776", "1e30", "-1e300"})
        CHECK(decoding<order>(with("table", number)) == errc::invalid_payload);
    for (const char* number : {"9223372036854775808", "-9223372036854775809", "1.5", "1e400"})
        CHECK(decoding<order>(with("cents", number)) == errc::invalid_payload);
    CHECK(decoding<order>(with("share", "1e300")) == errc::invalid_payload);
    CHECK(decoding<order>(with("tip", "1e999")) == errc::invalid_payload);
    CHECK(decoding<order>(with("count", "2147483648")) == errc::invalid_payload);
    CHECK_FALSE(decoding<order>(with("share", "0.1")));
}

TEST_CASE("the last of two fields of one name counts") {
    const auto read = decode_json<line>(R"({"dish":"soup","count":1,"count":2})");
    CHECK(read.count == 2);
}

TEST_CASE("texts that are no UTF-8 are invalid payloads, in and out") {
    for (const char* bytes : {"\xFF", "\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "caf\xC3"}) {
        CHECK(decoding<line>(std::string{R"({"count":1,"dish":")"} + bytes + "\"}") == errc::invalid_payload);
        CHECK(error_of([&] { static_cast<void>(encode_json(line{bytes, 1})); }) == errc::invalid_payload);
    }
    CHECK(decode_json<line>(R"({"count":1,"dish":"\ud83c\udf72"})").dish == "\xF0\x9F\x8D\xB2");
    CHECK(decoding<line>(R"({"count":1,"dish":"\ud83c"})") == errc::invalid_payload);
}

TEST_CASE("numbers that are not finite are not written") {
    for (const double bad : {std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
        order o;
        o.tip = bad;
        CHECK(error_of([&] { static_cast<void>(encode_json(o)); }) == errc::invalid_payload);
    }
}

TEST_CASE("limits are kept before anything is made, in and out") {
    const tidings::json_limits small{.bytes = 100, .depth = 3};
    CHECK_FALSE(decoding<anything>(nested(3), small));
    CHECK(decoding<anything>(nested(4), small) == errc::payload_too_large);
    CHECK_FALSE(decoding<anything>("\"" + std::string(98, '[') + "\"", small));
    CHECK(decoding<anything>("\"" + std::string(99, '[') + "\"", small) == errc::payload_too_large);
    CHECK_FALSE(decoding<anything>(R"(["\\\"[[[["])", small));
    CHECK(decoding<anything>(std::string(100'000, '[')) == errc::payload_too_large);
    CHECK(decoding<anything>(nested(100'000)) == errc::payload_too_large);
    CHECK(decoding<anything>("[" + std::string(1 << 20, ' ') + "]") == errc::payload_too_large);
    CHECK_FALSE(decoding<anything>(nested(64)));
    CHECK(decoding<anything>(nested(65)) == errc::payload_too_large);

    const auto encode = [&](const std::string& text) {
        return error_of([&] { static_cast<void>(encode_json(anything{nlohmann::json::parse(text)}, small)); });
    };
    CHECK_FALSE(encode(nested(3)));
    CHECK(encode(nested(4)) == errc::payload_too_large);
    CHECK_FALSE(encode("\"" + std::string(98, 'a') + "\""));
    CHECK(encode("\"" + std::string(99, 'a') + "\"") == errc::payload_too_large);
}

TEST_CASE("what a conversion throws is an invalid payload, and says nothing of what it was") {
    CHECK(error_of([] { static_cast<void>(encode_json(troubled{trouble::other})); }) == errc::invalid_payload);
    CHECK(decoding<troubled>("\"other\"") == errc::invalid_payload);
    CHECK_THROWS_AS(encode_json(troubled{trouble::memory}), std::bad_alloc);
    CHECK_THROWS_AS(decode_json<troubled>("\"memory\""), std::bad_alloc);
    CHECK(decoding<line>(R"({"count":"secret","dish":"secret"})") == errc::invalid_payload);
    CHECK(decoding<line>("secret") == errc::invalid_payload);
}
