#include "support/catch.hpp"

#include <tidings/consumer/retry_policy.hpp>

#include <exception>
#include <new>
#include <stdexcept>

TEST_CASE("permanent errors are those that are named, and what derives from them") {
    const tidings::permanent_test test = tidings::permanent_errors<std::logic_error, std::bad_alloc>();
    CHECK(test(std::make_exception_ptr(std::logic_error{""})));
    CHECK(test(std::make_exception_ptr(std::invalid_argument{""})));
    CHECK(test(std::make_exception_ptr(std::bad_alloc{})));
    CHECK_FALSE(test(std::make_exception_ptr(std::runtime_error{""})));
    CHECK_FALSE(test(std::make_exception_ptr(7)));
}

TEST_CASE("a policy says how often and how long") {
    const tidings::retry_policy usual;
    CHECK(usual.max_attempts == 5);
    CHECK_FALSE(usual.permanent);
    CHECK(usual.backoff == tidings::exponential(std::chrono::milliseconds{100}, std::chrono::seconds{30}));
}
