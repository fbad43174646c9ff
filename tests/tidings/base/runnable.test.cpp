#include <tidings/base/runnable.hpp>

#include "support/catch.hpp"

#include <type_traits>

namespace {

using tidings::base::runnable;

struct counted : runnable {
    counted() : runnable{&counted::destroy} {}
    static void destroy(runnable& self) noexcept { ++static_cast<counted&>(self).ended; }
    int ended = 0;
};

TEST_CASE("a runnable begins inactive and live, and ends by its own function") {
    counted r;
    CHECK_FALSE(r.active.load());
    CHECK(r.state.load() == runnable::progress::live);
    r.end(r);
    CHECK(r.ended == 1);
}

TEST_CASE("a runnable keeps its address: slots name it") {
    STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<runnable>);
    STATIC_REQUIRE_FALSE(std::is_move_constructible_v<runnable>);
    STATIC_REQUIRE_FALSE(std::is_copy_assignable_v<runnable>);
}

}  // namespace
