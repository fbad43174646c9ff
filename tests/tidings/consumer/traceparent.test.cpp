#include "support/catch.hpp"
#include "support/seed.hpp"

#include <tidings/consumer/traceparent.hpp>
#include <tidings/core/bus.hpp>
#include <tidings/core/with_context.hpp>
#include <tidings/executor/manual_executor.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace {

using tidings::event_id;
using tidings::trace_flags;
using tidings::traceparent;

constexpr std::string_view example = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
constexpr traceparent meant{{0x4bf92f3577b34da6, 0xa3ce929d0e0e4736}, 0x00f067aa0ba902b7, trace_flags::sampled};

static_assert(traceparent::parse(example) == meant);
static_assert(!traceparent::parse(""));

/// From memory that ends where the text does, so that a byte too many is noticed by who looks for that.
std::optional<traceparent> parse(std::string_view text) {
    const std::unique_ptr<char[]> exact{new char[text.size()]};
    std::copy(text.begin(), text.end(), exact.get());
    return traceparent::parse({exact.get(), text.size()});
}

/// The standard, read another way: split at dashes, then each field by itself.
std::optional<traceparent> naive(const std::string& text) {
    const auto is_hex = [](const std::string& field, std::size_t size) {
        return field.size() == size && field.find_first_not_of("0123456789abcdef") == std::string::npos;
    };
    std::vector<std::string> fields{""};
    for (const char c : text) {
        if (c == '-' && fields.size() < 5) fields.emplace_back();
        else fields.back() += c;
    }
    if (fields.size() < 4 || !is_hex(fields[0], 2) || !is_hex(fields[1], 32) || !is_hex(fields[2], 16) ||
        !is_hex(fields[3], 2))
        return std::nullopt;
    if (fields[0] == "ff" || (fields[0] == "00" && fields.size() != 4)) return std::nullopt;
    if (fields[1] == std::string(32, '0') || fields[2] == std::string(16, '0')) return std::nullopt;
    const auto number = [](const std::string& hex) { return std::stoull(hex, nullptr, 16); };
    return traceparent{{number(fields[1].substr(0, 16)), number(fields[1].substr(16))},
                       number(fields[2]),
                       number(fields[3]) % 2 == 1 ? trace_flags::sampled : trace_flags::none};
}

std::string with(std::size_t at, std::string_view what) { return std::string{example}.replace(at, what.size(), what); }

}  // namespace

TEST_CASE("what the standard allows is read, and written as it was") {
    CHECK(parse(example) == meant);
    CHECK(to_string(meant) == example);
    CHECK(parse(with(53, "00"))->flags == trace_flags::none);
    CHECK(to_string(*parse(with(53, "00"))) == with(53, "00"));
    const std::string most = "00-" + std::string(32, 'f') + "-" + std::string(16, 'f') + "-01";
    CHECK(to_string(*parse(most)) == most);
    const std::string least = "00-" + std::string(31, '0') + "1-" + std::string(15, '0') + "1-00";
    CHECK(to_string(*parse(least)) == least);
}

TEST_CASE("flags that are not known are not passed on") {
    CHECK(parse(with(53, "ff"))->flags == trace_flags::sampled);
    CHECK(parse(with(53, "fe"))->flags == trace_flags::none);
    CHECK(to_string(*parse(with(53, "ff"))) == example);
    traceparent hostile = meant;
    hostile.flags = static_cast<trace_flags>(0xFF);
    CHECK(to_string(hostile) == example);
}

TEST_CASE("what the standard forbids is nothing") {
    CHECK_FALSE(parse(""));
    CHECK_FALSE(parse("----"));
    CHECK_FALSE(parse(with(0, "ff")));
    CHECK_FALSE(parse(with(0, "0G")));
    CHECK_FALSE(parse(with(3, std::string(32, '0'))));
    CHECK_FALSE(parse(with(36, std::string(16, '0'))));
    CHECK_FALSE(parse(with(5, "F")));                // upper case
    CHECK_FALSE(parse(' ' + std::string{example}));  // spaces are the matter of who reads the request
    CHECK_FALSE(parse(std::string{example} + ' '));
    CHECK_FALSE(parse(std::string{example} + '-'));  // version 00 has nothing behind the flags
    CHECK_FALSE(parse(std::string{example} + "-00"));
    CHECK_FALSE(parse('0' + std::string{example}));
    CHECK_FALSE(parse(with(2, "_")));
    CHECK_FALSE(parse(with(35, "_")));
    CHECK_FALSE(parse(with(52, "_")));
    CHECK_FALSE(parse(with(3, std::string_view{"\0", 1})));
    CHECK_FALSE(parse(std::string{example} + ',' + std::string{example}));
    CHECK_FALSE(parse(std::string(1'000'000, '0')));
    for (std::size_t size = 0; size != example.size(); ++size) CHECK_FALSE(parse(example.substr(0, size)));
}

TEST_CASE("of a later version what is known is taken, and written as ours") {
    CHECK(parse(with(0, "cc")) == meant);
    CHECK(parse(with(0, "01") + "-what-the-future-will-be-like") == meant);
    CHECK(parse(with(0, "fe") + '-') == meant);
    CHECK_FALSE(parse(with(0, "cc") + ".what-the-future-will-be-like"));
    CHECK_FALSE(parse(with(0, "cc") + "0"));
    CHECK_FALSE(parse(with(0, "cc").substr(0, 54)));
    CHECK_FALSE(parse(with(0, "CC")));
    CHECK(to_string(*parse(with(0, "cc") + "-x")) == example);
}

TEST_CASE("each byte at each place is judged as the standard does") {
    for (const std::string& text : {std::string{example}, with(0, "01"), with(0, "01") + "-x"}) {
        for (std::size_t at = 0; at != text.size(); ++at) {
            for (int byte = 0; byte != 256; ++byte) {
                std::string changed = text;
                changed[at] = static_cast<char>(byte);
                if (parse(changed) != naive(changed)) {
                    INFO(changed);
                    REQUIRE(parse(changed) == naive(changed));
                }
            }
        }
    }
}

TEST_CASE("random texts are judged as the standard does, and what is read can be written and read again") {
    std::mt19937_64 random{support::fresh_seed("traceparent")};
    constexpr std::string_view likely = "0123456789abcdef0123456789abcdef-Fg \n";
    int read = 0;
    for (int n = 0; n != 200'000; ++n) {
        traceparent made{{random(), random()}, random(), random() % 2 == 0 ? trace_flags::none : trace_flags::sampled};
        if (random() % 8 == 0) made.trace_id = {0, random() % 2};
        if (random() % 8 == 0) made.parent_id = random() % 2;
        std::string text = to_string(made);
        if (random() % 4 == 0) text.replace(0, 2, random() % 2 == 0 ? "ff" : "7e");
        if (random() % 4 == 0) text += std::string(random() % 3, likely[random() % likely.size()]);
        if (random() % 2 == 0) text[random() % text.size()] = likely[random() % likely.size()];
        if (random() % 8 == 0) text.erase(random() % text.size(), 1);
        const auto seen = parse(text);
        if (seen != naive(text)) {
            INFO(text);
            REQUIRE(seen == naive(text));
        }
        if (!seen) continue;
        ++read;
        REQUIRE(parse(to_string(*seen)) == seen);
    }
    CHECK(read > 10'000);
}

TEST_CASE("ids of a trace go in and out unchanged, and an event is the parent of what is sent on its behalf") {
    struct request {};
    struct follow_up {};
    tidings::manual_executor loop;
    tidings::bus bus{{.executor = loop}};
    std::optional<traceparent> out;
    std::optional<traceparent> out_later;
    event_id id;
    auto direct = bus.subscribe([&](const request&, const tidings::context& c) {
        CHECK(c.correlation_id() == meant.trace_id);
        CHECK(c.causation_id() == event_id{0, meant.parent_id});
        id = c.id();
        CHECK(c.causation_id() < id);
        out = tidings::traceparent_of(c, trace_flags::sampled);
    });
    auto queued = bus.subscribe([&](const request&) { bus.publish(follow_up{}); }, tidings::async);
    auto later = bus.subscribe(
        [&](const follow_up&, const tidings::context& c) { out_later = tidings::traceparent_of(c); }, tidings::async);
    tidings::with_context(tidings::lineage_of(parse(example)), [&] { bus.publish(request{}); });
    loop.run();
    REQUIRE((out && out_later));
    CHECK(*out == traceparent{meant.trace_id, id.low(), trace_flags::sampled});
    CHECK(out_later->trace_id == meant.trace_id);
    CHECK(out_later->parent_id != out->parent_id);
    CHECK(out_later->flags == trace_flags::none);  // nobody said
    // Whoever receives it finds us: the low half of the causation there is the low half of the id here.
    CHECK(tidings::lineage_of(parse(to_string(*out))) ==
          tidings::lineage{.correlation_id = meant.trace_id, .causation_id = {0, id.low()}});
}

TEST_CASE("of no trace nothing is inherited, and what begins here is a trace that others accept") {
    struct request {};
    tidings::bus bus;
    std::optional<traceparent> out;
    auto taken = bus.subscribe([&](const request&, const tidings::context& c) {
        CHECK(c.causation_id() == event_id{});
        out = tidings::traceparent_of(c);
        CHECK(out->trace_id == c.id());
    });
    tidings::with_context(tidings::lineage_of(parse("garbage")), [&] { bus.publish(request{}); });
    REQUIRE(out);
    CHECK(parse(to_string(*out)) == out);
}

TEST_CASE("a parent is never zero, whatever ids a publisher gives") {
    struct request {};
    tidings::bus bus;
    std::vector<std::uint64_t> parents;
    auto taken = bus.subscribe([&](const request&, const tidings::context& c) {
        parents.push_back(tidings::traceparent_of(c).parent_id);
        CHECK(parse(to_string(tidings::traceparent_of(c))));
    });
    bus.publish(request{}, {.id = {5, 0}});
    bus.publish(request{}, {.id = {0, 6}});
    bus.publish(request{}, {.id = {7, 8}});
    CHECK(parents == std::vector<std::uint64_t>{5, 6, 8});
}

TEST_CASE("flags come from the event's own header, if that is of its trace") {
    struct request {};
    tidings::bus bus;
    std::vector<trace_flags> flags;
    auto taken = bus.subscribe(
        [&](const request&, const tidings::context& c) { flags.push_back(tidings::traceparent_of(c).flags); });
    const auto publish = [&](std::string value, event_id correlation) {
        bus.publish(request{}, {.correlation_id = correlation, .headers = {{"traceparent", std::move(value)}}});
    };
    publish(std::string{example}, meant.trace_id);
    publish(std::string{example}, {1, 1});
    publish("garbage", meant.trace_id);
    publish(with(53, "00"), meant.trace_id);
    CHECK(flags == std::vector{trace_flags::sampled, trace_flags::none, trace_flags::none, trace_flags::none});
}
