#include "support/catch.hpp"

#include <tidings/base/executor_scope.hpp>

#include <thread>

using tidings::base::executor_scope;

TEST_CASE("a thread works for the executors of all scopes that it is in, and no other thread does") {
    const char one = 0;
    const char two = 0;
    CHECK(executor_scope::innermost() == nullptr);
    CHECK_FALSE(executor_scope::runs(executor_scope::innermost(), &one));
    {
        const executor_scope outer{&one};
        {
            const executor_scope inner{&two};
            CHECK(executor_scope::innermost() == &inner);
            CHECK(executor_scope::runs(&inner, &one));
            CHECK(executor_scope::runs(&inner, &two));
            CHECK_FALSE(executor_scope::runs(&outer, &two));
            std::thread{[] { CHECK(executor_scope::innermost() == nullptr); }}.join();
        }
        CHECK(executor_scope::innermost() == &outer);
    }
    CHECK(executor_scope::innermost() == nullptr);
}
