#include "support/catch.hpp"

#include <tidings/base/domain.hpp>
#include <tidings/core/bus.hpp>
#include <tidings/core/event.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

// Clang does not say which function a local type belongs to.
#if defined(__clang__)
#define LOCAL_TYPES "[!shouldfail]"
#else
#define LOCAL_TYPES ""
#endif

namespace shop {
struct order_placed {
    static constexpr std::string_view event_type = "order.placed";
};
struct order_shipped {};
}  // namespace shop

namespace {

enum class signal : std::uint8_t { go, stop };

template <int N>
struct numbered {
    int value = N;
};

}  // namespace

TEST_CASE("an event is an object type that is no pointer, array, const or volatile") {
    STATIC_REQUIRE(tidings::event<shop::order_shipped>);
    STATIC_REQUIRE(tidings::event<signal>);
    STATIC_REQUIRE(tidings::event<int>);
    STATIC_REQUIRE(tidings::event<std::unique_ptr<int>>);
    STATIC_REQUIRE_FALSE(tidings::event<int*>);
    STATIC_REQUIRE_FALSE(tidings::event<int&>);
    STATIC_REQUIRE_FALSE(tidings::event<const int>);
    STATIC_REQUIRE_FALSE(tidings::event<volatile int>);
    STATIC_REQUIRE_FALSE(tidings::event<char[4]>);
    STATIC_REQUIRE_FALSE(tidings::event<void()>);
    STATIC_REQUIRE_FALSE(tidings::event<std::nullptr_t>);
}

TEST_CASE("an event is called what it says, or what the compiler calls it") {
    STATIC_REQUIRE(tidings::event_name<shop::order_placed>() == "order.placed");
    STATIC_REQUIRE(tidings::event_name<shop::order_shipped>() == "shop::order_shipped");
}

TEST_CASE("enumerations and numbers are events too") {
    tidings::bus bus;
    int sum = 0;
    auto numbers = bus.subscribe([&](int n) { sum += n; });
    auto signals = bus.subscribe([&](const signal& s) { sum += s == signal::stop ? 100 : 0; });
    bus.publish(7);
    bus.publish(signal::stop);
    bus.publish(7L);  // another type: nobody listens
    CHECK(sum == 107);
}

namespace {

struct one_ping {
    static constexpr const char* event_type = "ping";  // whatever converts to a std::string_view
};
struct other_ping {
    static constexpr std::string_view event_type = "ping";
};

/// Publishes and hears an event of a type that only this function knows.
template <class Tag>
int hear_local_event(tidings::bus& bus) {
    struct ping {};
    int heard = 0;
    auto taken = bus.subscribe([&](const ping&) { ++heard; });
    bus.publish(ping{});
    return heard;
}

auto here(tidings::bus& bus, int& heard) {
    struct ping {
        int n = 1;
    };
    bus.publish(ping{});
    return bus.subscribe([&](const ping& p) { heard += p.n; });
}

auto there(tidings::bus& bus, int& heard) {
    struct ping {
        int n = 100;
    };
    bus.publish(ping{});
    return bus.subscribe([&](const ping& p) { heard += p.n; });
}

}  // namespace

TEST_CASE("events of one name are events of different types all the same") {
    STATIC_REQUIRE(tidings::event_name<one_ping>() == "ping");
    STATIC_REQUIRE(tidings::event_name<other_ping>() == "ping");
    STATIC_REQUIRE(tidings::named_event<one_ping>);
    STATIC_REQUIRE_FALSE(tidings::named_event<shop::order_shipped>);
    tidings::bus bus;
    std::string heard;
    auto one =
        bus.subscribe([&](const one_ping&, const tidings::context& c) { heard += "1" + std::string{c.topic()}; });
    auto other =
        bus.subscribe([&](const other_ping&, const tidings::context& c) { heard += "2" + std::string{c.topic()}; });
    CHECK(bus.publish(one_ping{}).handled == 1);
    CHECK(bus.publish(other_ping{}).handled == 1);
    CHECK(heard == "1ping2ping");
}

TEST_CASE("a type that a function keeps to itself is an event") {
    tidings::bus bus;
    CHECK(hear_local_event<int>(bus) == 1);
    CHECK(hear_local_event<char>(bus) == 1);
}

TEST_CASE("local types of one name are different events", LOCAL_TYPES) {
    tidings::bus bus;
    int heard = 0;
    auto taken = here(bus, heard);
    auto too = there(bus, heard);  // publishes before it subscribes: nobody listens to its own ping
    CHECK(heard == 0);
}

TEST_CASE("types that differ in a template argument are different events") {
    tidings::bus bus;
    int heard = 0;
    auto taken = bus.subscribe([&](const numbered<1>&) { ++heard; });
    bus.publish(numbered<11>{});
    bus.publish(numbered<2>{});
    CHECK(heard == 0);
    bus.publish(numbered<1>{});
    CHECK(heard == 1);
}

namespace {

template <int N>
struct counted {
    int value = N;
};

/// Publishes on a bus that only some of the types were subscribed to.
template <int... N>
void check_types(std::integer_sequence<int, N...>) {
    tidings::bus bus;
    std::array<int, sizeof...(N)> heard{};
    std::vector<tidings::subscription> taken;
    const auto subscribe = [&]<int M>(std::integral_constant<int, M>) {
        if (M % 2 == 1) taken.push_back(bus.subscribe([&](const counted<M>& e) { heard.at(M) += e.value; }));
    };
    const auto publish = [&]<int M>(std::integral_constant<int, M>) {
        CHECK(bus.publish(counted<M>{}).handled == M % 2);
        CHECK(heard.at(M) == (M % 2 == 1 ? M : 0));
    };
    (subscribe(std::integral_constant<int, N>{}), ...);
    (publish(std::integral_constant<int, N>{}), ...);
    taken.clear();
    heard = {};
    CHECK(((bus.publish(counted<N>{}).handled == 0) && ...));
}

/// Gives a number to a type that nobody has, and returns it.
std::uint32_t use_up_a_number() {
    static int names = 0;
    const std::string name = "nobody::type_" + std::to_string(names++);
    return tidings::base::domain::here().events().find_or_add({name, name, 1, 1, nullptr}).index;
}

template <int N>
std::uint32_t number_of() {
    return tidings::detail::event_identity<counted<N>>::find(tidings::base::domain::here()).index;
}

}  // namespace

TEST_CASE("a bus carries more event types than it keeps at hand") {
    tidings::bus made_before;
    auto taken = made_before.subscribe([](const counted<0>&) {});
    check_types(std::make_integer_sequence<int, 4>{});
    while (use_up_a_number() < 253) {}
    // These stand on both sides of the last number at hand, 255.
    auto at_hand = made_before.subscribe([](const counted<4>&) {});
    CHECK(number_of<4>() == 254);
    check_types(std::make_integer_sequence<int, 8>{});
    CHECK(number_of<5>() == 255);
    CHECK(number_of<7>() == 256);
    while (use_up_a_number() < 600) {}
    check_types(std::make_integer_sequence<int, 12>{});
    CHECK(number_of<11>() > 512);
    CHECK(made_before.publish(counted<11>{}).handled == 0);
    auto far = made_before.subscribe([](const counted<11>&) {});
    CHECK(made_before.publish(counted<11>{}).handled == 1);
    CHECK(made_before.publish(counted<10>{}).handled == 0);
    CHECK(made_before.publish(counted<0>{}).handled == 1);
    CHECK(made_before.publish(counted<4>{}).handled == 1);
}

TEST_CASE("a far event type's number and handlers are there for every thread") {
    tidings::bus bus;
    while (use_up_a_number() < 1'100) {}
    std::atomic<int> heard{0};
    std::vector<std::thread> threads;
    auto taken = bus.subscribe([&](const counted<20>&) { ++heard; });
    for (int t = 0; t != 3; ++t) {
        threads.emplace_back([&] {
            for (int n = 0; n != 200; ++n) {
                auto mine = bus.subscribe([](const counted<21>&) {});
                bus.publish(counted<20>{});
                if (bus.publish(counted<21>{}).handled == 0) heard = -1'000'000;
            }
        });
    }
    for (auto& each : threads) each.join();
    CHECK(heard == 600);
}
