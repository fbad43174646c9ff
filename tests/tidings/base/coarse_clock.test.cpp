#include "support/catch.hpp"

#include <tidings/base/coarse_clock.hpp>

#include <chrono>

TEST_CASE("the coarse time never goes back, and is never ahead") {
    auto before = tidings::base::coarse_now();
    for (int n = 0; n < 10'000; ++n) {
        const auto coarse = tidings::base::coarse_now();
        const auto fine = std::chrono::steady_clock::now();
        REQUIRE(coarse >= before);
        REQUIRE(coarse <= fine);
        before = coarse;
    }
}
