#include <tidings/format/dead_letter_json.hpp>

#include "support/catch.hpp"

#include <tidings/consumer/consumer.hpp>
#include <tidings/consumer/dead_letters.hpp>
#include <tidings/tidings.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <limits>
#include <stdexcept>
#include <string>

namespace {

using nlohmann::json;
using tidings::dead_letter;

struct payment {
    std::string customer;
    int cents = 0;
};

}  // namespace

TEST_CASE("a dead letter is a line of JSON") {
    using namespace std::chrono;
    dead_letter letter;
    letter.id = {1, 2};
    letter.event_id = {3, 4};
    letter.consumer = "payments";
    letter.event_type = "payment.due";
    letter.topic = "payment.due.eu";
    letter.key = "Ann";
    letter.source = "shop";
    letter.headers = {{"tenant", "north"}, {"a", ""}};
    letter.attempts = 3;
    letter.error = "timed out";
    letter.time = sys_days{2026y / November / 25} + 17h + 27min + 1s + 23ms + 999us;
    letter.history.push_back({2, "no connection", sys_days{1969y / December / 31} + 23h});
    CHECK(tidings::to_json(letter) ==
          R"({"id":"00000000-0000-0001-0000-000000000002","event_id":"00000000-0000-0003-0000-000000000004",)"
          R"("consumer":"payments","event_type":"payment.due","topic":"payment.due.eu","key":"Ann","source":"shop",)"
          R"("headers":{"tenant":"north","a":""},"attempts":3,"error":"timed out","time":"2026-11-25T17:27:01.023Z",)"
          R"("history":[{"attempts":2,"error":"no connection","time":"1969-12-31T23:00:00.000Z"}]})");
}

TEST_CASE("the letters of a store are listed as JSON, with their events") {
    tidings::inline_executor here;
    tidings::bus bus{{.executor = here, .on_error = [](const tidings::handler_error&) {}}};
    tidings::dead_letters unpaid;
    tidings::consumer payments{bus, "payments", {.retry = {.max_attempts = 1}, .dead_letters = unpaid}};
    payments.on([](const payment&) { throw std::runtime_error{"declined"}; });
    bus.publish(payment{"Ann", 100}, {.key = "Ann"});
    bus.publish(payment{"Bob", 200}, {.topic = "late"});
    bus.drain();

    std::string lines;
    for (const dead_letter& each : unpaid.list({.error_contains = "declined"}))
        lines += tidings::to_json(
                     each,
                     [](const tidings::kept_event& event) -> json {
                         const auto* const due = event.get_if<payment>();
                         return due != nullptr ? json{{"customer", due->customer}, {"cents", due->cents}} : json{};
                     }) +
                 '\n';

    REQUIRE(std::count(lines.begin(), lines.end(), '\n') == 2);
    const json first = json::parse(lines.substr(0, lines.find('\n')));
    CHECK(first["event"]["cents"] == 100);
    CHECK(first["key"] == "Ann");
    CHECK(first["consumer"] == "payments");
    CHECK(first["id"] == to_string(unpaid.list().front().id));
    CHECK(json::parse(lines.substr(lines.find('\n') + 1))["topic"] == "late");
    for (const dead_letter& each : unpaid.list()) CHECK_FALSE(json::parse(tidings::to_json(each)).contains("event"));
}

TEST_CASE("whatever stands in a letter, it is one sound line") {
    std::string every_byte;
    for (int n = 0; n != 256; ++n) every_byte.push_back(static_cast<char>(n));
    for (const std::string& hostile :
         {every_byte, std::string("a\0b\n\"}", 6), std::string(10'000, '\xF0'), std::string{"\xED\xA0\x80\xC0\x80"}}) {
        dead_letter letter;
        for (std::string* each :
             {&letter.consumer, &letter.event_type, &letter.topic, &letter.key, &letter.source, &letter.error})
            *each = hostile;
        letter.headers = {{hostile, hostile}, {hostile, hostile}};
        letter.history.push_back({std::numeric_limits<int>::min(), hostile, dead_letter::time_point::max()});
        letter.time = dead_letter::time_point::min();
        const std::string line = tidings::to_json(letter, [&](const auto&) { return json(hostile); });
        CHECK(line.find('\n') == std::string::npos);
        json read;
        CHECK_NOTHROW(read = json::parse(line));
        CHECK(read["time"] == "1677-09-21T00:12:43.145Z");
        CHECK(read["history"][0]["time"] == "2262-04-11T23:47:16.854Z");
        CHECK(read["headers"].size() == 1);
    }
}
