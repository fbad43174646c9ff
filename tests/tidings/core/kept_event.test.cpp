#include "support/captures.hpp"
#include "support/catch.hpp"

#include <tidings/core/bus.hpp>
#include <tidings/core/kept_event.hpp>
#include <tidings/core/redelivery.hpp>
#include <tidings/executor/manual_executor.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace {

struct parcel {
    static constexpr std::string_view event_type = "parcel.sent";
    std::shared_ptr<int> content;
};
struct letter {
    int n;
};

/// What a queue handed out, kept.
struct keeper {
    tidings::manual_executor loop;
    tidings::bus bus{{.executor = loop}};
    std::vector<tidings::kept_event> kept;
    tidings::redelivering_queue queue{bus, tidings::async};
    tidings::redelivering_subscription subscription = queue.subscribe<parcel>(
        bus, "keeper", [](const parcel&) {},
        [this](tidings::delivery_attempt& delivery, auto) {
            kept.push_back(delivery.keep());
            return tidings::settlement::done;
        },
        tidings::async);
};

}  // namespace

TEST_CASE("a kept event is there when its handler has returned, with what was said of it") {
    keeper k;
    const tidings::event_id id{1, 2};
    const auto content = std::make_shared<int>(7);
    {
        const std::string topic = "parcels.heavy";
        k.bus.publish(parcel{content},
                      {.topic = topic, .key = "ada", .source = "shop", .id = id, .headers = {{"weight", "9"}}});
    }
    k.loop.run();
    REQUIRE(k.kept.size() == 1);
    const tidings::kept_event& event = k.kept.front();
    CHECK(event);
    CHECK(event.get_if<parcel>()->content == content);
    CHECK(event.get_if<letter>() == nullptr);
    CHECK(event.id() == id);
    CHECK(event.type() == "parcel.sent");
    CHECK(event.topic() == "parcels.heavy");
    CHECK(event.key() == "ada");
    CHECK(event.source() == "shop");
    CHECK(event.headers().front().value == "9");
}

TEST_CASE("an event that nobody described has an id, a type, and the topic of its type") {
    keeper k;
    k.bus.publish(parcel{nullptr});
    k.loop.run();
    const tidings::kept_event& event = k.kept.front();
    CHECK(event.id() != tidings::event_id{});
    CHECK(event.topic() == "parcel.sent");
    CHECK(event.key().empty());
    CHECK(event.headers().empty());
}

TEST_CASE("copies share the event, which ends with the last of them") {
    keeper k;
    const auto content = std::make_shared<int>(7);
    k.bus.publish(parcel{content});
    k.loop.run();
    CHECK(content.use_count() == 2);
    tidings::kept_event copy = k.kept.front();
    CHECK(copy == k.kept.front());
    k.kept.clear();
    CHECK(content.use_count() == 2);
    tidings::kept_event moved = std::move(copy);
    CHECK_FALSE(copy);  // NOLINT(bugprone-use-after-move): that is what is tested
    copy = moved;
    moved = {};
    CHECK(content.use_count() == 2);
    copy = {};
    CHECK(content.use_count() == 1);
}

TEST_CASE("of nothing") {
    const tidings::kept_event none;
    CHECK_FALSE(none);
    CHECK(none.get_if<parcel>() == nullptr);
    CHECK(none == tidings::kept_event{});
}
