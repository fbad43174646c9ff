#include <tidings/base/same_text.hpp>

#include "support/catch.hpp"

#include <string>

using tidings::base::same_text;

TEST_CASE("texts are the same if every byte is") {
    for (std::size_t size = 0; size != 40; ++size) {
        std::string a;
        for (std::size_t n = 0; n != size; ++n) a.push_back(static_cast<char>(n * 37));
        const std::string b = a;
        CHECK(same_text(a, b));
        CHECK_FALSE(same_text(a, b + "x"));
        CHECK_FALSE(same_text(a + '\0', b));
        for (std::size_t n = 0; n != size; ++n) {
            std::string other = b;
            other[n] = static_cast<char>(other[n] ^ 0x80);
            CHECK_FALSE(same_text(a, other));
            CHECK_FALSE(same_text(other, a));
        }
    }
    CHECK(same_text({}, {}));
}
