#include <tidings/base/error.hpp>

#include "support/catch.hpp"

#include <string>
#include <system_error>

namespace {

using tidings::errc;

TEST_CASE("an error has its condition as code, and says it") {
    const tidings::error thrown{errc::no_threads};
    CHECK(thrown.code() == errc::no_threads);
    CHECK(thrown.code() != errc::would_deadlock);
    CHECK(std::string{thrown.what()} == "the system gives no more threads");
}

TEST_CASE("conditions are of the category tidings, none of them is success, and each has words of its own") {
    const std::error_code one = errc::would_deadlock;
    const std::error_code other = errc::no_threads;
    CHECK(&one.category() == &tidings::error_category());
    CHECK(std::string{one.category().name()} == "tidings");
    CHECK(static_cast<bool>(one));
    CHECK(static_cast<bool>(other));
    CHECK(one.message() != other.message());
    CHECK(tidings::error_category().message(12'345) == "unknown error");
}

TEST_CASE("an error is caught as what the standard library throws, and carries the system's code and a context") {
    try {
        throw tidings::error{std::make_error_code(std::errc::no_space_on_device), "outbox"};
    } catch (const std::system_error& caught) {
        CHECK(caught.code() == std::errc::no_space_on_device);
        CHECK(std::string{caught.what()}.starts_with("outbox: "));
    }
}

}  // namespace
