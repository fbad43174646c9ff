#include <tidings/base/function.hpp>

#include "support/catch.hpp"

#include <memory>

namespace {

using tidings::base::shared_function;

struct account {
    int balance = 5;
    int plus(int n) const { return balance + n; }
    void add(int n) & { balance += n; }
};

int twice(int n) { return 2 * n; }

TEST_CASE("invoke calls what can be called, and reads data members") {
    account mine;
    CHECK(tidings::base::invoke(twice, 4) == 8);
    CHECK(tidings::base::invoke([](int n) { return n + 1; }, 4) == 5);
    CHECK(tidings::base::invoke(&account::plus, mine, 2) == 7);
    tidings::base::invoke(&account::add, mine, 3);
    CHECK(tidings::base::invoke(&account::balance, mine) == 8);
    tidings::base::invoke(&account::balance, mine) = 1;  // a reference
    CHECK(mine.balance == 1);
    static_assert(tidings::base::invoke([](int n) { return n; }, 3) == 3);
}

TEST_CASE("copies of a function share what is called, which lives as long as one of them") {
    using function = shared_function<void(int)>;
    auto sum = std::make_shared<int>(0);
    const std::weak_ptr<int> alive = sum;
    function first = [sum = std::move(sum)](int n) { *sum += n; };
    function second = first;
    first(2);
    first = nullptr;
    CHECK_FALSE(first);
    REQUIRE(second);
    second(3);
    CHECK(*alive.lock() == 5);
    second = {};
    CHECK(alive.expired());
}

TEST_CASE("an empty function says so") {
    CHECK_FALSE(shared_function<void()>{});
    CHECK_FALSE(shared_function<void()>{nullptr});
    void (*none)() = nullptr;
    CHECK_FALSE(shared_function<void()>{none});
    CHECK(shared_function<void()>{[] {}});
}

TEST_CASE("a callable may change itself") {
    int seen = 0;
    const shared_function<void()> counts = [n = 0, &seen]() mutable { seen = ++n; };
    counts();
    counts();
    CHECK(seen == 2);
}

}  // namespace
