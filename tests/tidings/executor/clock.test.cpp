#include <tidings/executor/clock.hpp>

#include "support/catch.hpp"

#include <chrono>
#include <memory>
#include <type_traits>
#include <utility>

namespace {

using namespace std::chrono_literals;
using tidings::clock_ref;
using alarm_base = tidings::detail::alarm;
using tidings::detail::clock_port;

struct stopped_clock final : clock_port {
    std::chrono::steady_clock::time_point now() const noexcept override { return {}; }
    std::chrono::system_clock::time_point system_now() const noexcept override { return {}; }
    void call_at(alarm_base& /*a*/, std::chrono::steady_clock::time_point /*due*/) override {}
    bool cancel(alarm_base& /*a*/) noexcept override { return false; }
};

struct silent : alarm_base {
    silent() : alarm_base{[](alarm_base&) noexcept {}} {}
};

}  // namespace

TEST_CASE("an empty clock_ref refers to none") {
    const clock_ref none;
    CHECK_FALSE(none);
    CHECK(none.port() == nullptr);
}

TEST_CASE("a clock_ref keeps the clock it refers to") {
    auto made = std::make_shared<stopped_clock>();
    const std::weak_ptr<clock_port> watch = made;
    clock_ref first{std::move(made)};
    CHECK(first);
    {
        const clock_ref second = first;
        CHECK(second.port() == first.port());
        first = clock_ref{};
        CHECK_FALSE(watch.expired());
    }
    CHECK(watch.expired());
}

TEST_CASE("an alarm that was never set stands nowhere, and stays where it is") {
    const silent a;
    CHECK(a.place == static_cast<std::size_t>(-1));
    CHECK_FALSE(std::is_copy_constructible_v<silent>);
    CHECK_FALSE(std::is_move_constructible_v<silent>);
}

TEST_CASE("a clock has random numbers if it brings none of its own") {
    stopped_clock clock;
    CHECK(clock.random() != clock.random());
}
