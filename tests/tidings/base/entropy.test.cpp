#include <tidings/base/entropy.hpp>

#include "support/catch.hpp"

#include <cstdint>
#include <set>

namespace {

TEST_CASE("entropy fills all 64 bits and does not repeat") {
    constexpr int draws = 256;  // a bit that is the same in all of them: 1 chance in 2^248
    std::set<std::uint64_t> seen;
    std::uint64_t ones = 0;
    std::uint64_t zeros = 0;
    for (int i = 0; i != draws; ++i) {
        const std::uint64_t bits = tidings::base::entropy();
        seen.insert(bits);
        ones |= bits;
        zeros |= ~bits;
    }
    CHECK(seen.size() == draws);
    CHECK(ones == ~std::uint64_t{0});
    CHECK(zeros == ~std::uint64_t{0});
}

}  // namespace
