#include "support/captured_stderr.hpp"
#include "support/catch.hpp"

#include <tidings/core/bus.hpp>
#include <tidings/core/handler_error.hpp>

#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

struct tick {
    static constexpr std::string_view event_type = "test.tick";
    int n = 0;
};
struct tock {};

/// Its what() uses a bus.
class talkative : public std::exception {
public:
    explicit talkative(tidings::bus& bus) : bus_{&bus} {}
    const char* what() const noexcept override {
        bus_->publish(tock{});
        return "talkative";
    }

private:
    tidings::bus* bus_;
};

}  // namespace

TEST_CASE("a handler that throws harms neither the publisher nor the others, and is told of") {
    std::vector<std::string> told;
    tidings::bus bus{{.on_error = [&](const tidings::handler_error& e) {
        told.push_back(std::string{e.subscriber()} + '/' + std::string{e.event_type()} + '/' + e.what());
    }}};
    int others = 0;
    auto before = bus.subscribe([&](const tick&) { ++others; });
    auto standard = bus.subscribe("one", [](const tick&) { throw std::runtime_error{"no"}; });
    auto number = bus.subscribe("two", [](const tick&) { throw 42; });
    auto after = bus.subscribe([&](const tick&) { ++others; });
    CHECK(bus.publish(tick{}) == tidings::publish_result{.handled = 2, .failed = 2});
    CHECK(others == 2);
    CHECK(told == std::vector<std::string>{"one/test.tick/no",
                                           "two/test.tick/an exception that does not derive from std::exception"});
    CHECK(standard.stats() == tidings::subscription_stats{.delivered = 0, .failed = 1});
    CHECK(after.stats() == tidings::subscription_stats{.delivered = 1, .failed = 0});
}

TEST_CASE("the exception and the event's context come with the error") {
    tidings::event_id failed;
    tidings::event_id told;
    int thrown = 0;
    tidings::bus bus{{.on_error = [&](const tidings::handler_error& e) {
        told = e.context()->id();
        try {
            std::rethrow_exception(e.exception());
        } catch (int n) {
            thrown = n;
        }
    }}};
    auto taken = bus.subscribe([&](const tick&, const tidings::context& c) {
        failed = c.id();
        throw 42;
    });
    bus.publish(tick{});
    CHECK(thrown == 42);
    CHECK(told == failed);
    CHECK(told != tidings::event_id{});
}

TEST_CASE("an exception's what() and an error handler may use the bus") {
    int tocks = 0;
    tidings::bus* on = nullptr;
    tidings::bus bus{{.on_error = [&](const tidings::handler_error& e) {
        CHECK(std::string{e.what()} == "talkative");
        auto newcomer = on->subscribe([](const tick&) {});
        on->publish(tock{});
    }}};
    on = &bus;
    auto hears = bus.subscribe([&](const tock&) { ++tocks; });
    auto fails = bus.subscribe([&](const tick&) { throw talkative{bus}; });
    CHECK(bus.publish(tick{}).failed == 1);
    CHECK(tocks == 2);
}

TEST_CASE("an error handler whose own event fails does not lose either failure") {
    int depth = 0;
    tidings::bus* on = nullptr;
    tidings::bus bus{{.on_error = [&](const tidings::handler_error&) {
        if (++depth < 5) on->publish(tick{});
    }}};
    on = &bus;
    auto fails = bus.subscribe([](const tick&) { throw 1; });
    CHECK(bus.publish(tick{}).failed == 1);
    CHECK(depth == 5);
    CHECK(fails.stats().failed == 5);
}

TEST_CASE("without an error handler a failure goes to the standard error stream, once") {
    const std::string text = support::captured_stderr([] {
        tidings::bus bus;
        auto taken = bus.subscribe("email", [](const tick&) { throw std::runtime_error{"no route"}; });
        bus.publish(tick{});
    });
    CHECK(text == "tidings: handler 'email' of test.tick failed: no route\n");
}

TEST_CASE("an error handler that throws is survived, and the failure is not silent") {
    int after = 0;
    const std::string text = support::captured_stderr([&] {
        tidings::bus bus{{.on_error = [](const tidings::handler_error&) { throw 1; }}};
        auto fails = bus.subscribe("email", [](const tick&) { throw std::runtime_error{"no route"}; });
        auto good = bus.subscribe([&](const tick&) { ++after; });
        CHECK(bus.publish(tick{}) == tidings::publish_result{.handled = 1, .failed = 1});
    });
    CHECK(after == 1);
    CHECK(text.find("no route") != std::string::npos);
}

TEST_CASE("nothing is printed when nothing fails") {
    CHECK(support::captured_stderr([] {
              tidings::bus bus;
              auto taken = bus.subscribe([](const tick&) {});
              bus.publish(tick{});
              bus.publish(tock{});
          }).empty());
}
