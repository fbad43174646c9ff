#include <tidings/base/type_name.hpp>

#include "support/catch.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace app {

struct order_placed {
    struct line {};
};
class invoice {};
union either {
    int a;
    float b;
};
enum class colour { red };
template <class T>
struct box {};
template <int N>
struct numbered {};

}  // namespace app

struct at_global_scope {};

namespace {

struct in_unnamed_namespace {};

using tidings::base::names_one_type;
using tidings::base::type_name;

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

TEST_CASE("a type's name is what its author wrote, with its namespaces") {
    STATIC_REQUIRE(type_name<app::order_placed>() == "app::order_placed");
    STATIC_REQUIRE(type_name<app::order_placed::line>() == "app::order_placed::line");
    STATIC_REQUIRE(type_name<app::invoice>() == "app::invoice");
    STATIC_REQUIRE(type_name<app::either>() == "app::either");
    STATIC_REQUIRE(type_name<app::colour>() == "app::colour");
    STATIC_REQUIRE(type_name<at_global_scope>() == "at_global_scope");
    STATIC_REQUIRE(type_name<int>() == "int");
    STATIC_REQUIRE(type_name<double>() == "double");
    STATIC_REQUIRE(type_name<app::box<int>>() == "app::box<int>");
    STATIC_REQUIRE(type_name<app::numbered<300>>() == "app::numbered<300>");
}

TEST_CASE("different types have different names") {
    CHECK(type_name<app::numbered<1>>() != type_name<app::numbered<11>>());
    CHECK(type_name<app::box<int>>() != type_name<app::box<long>>());
    CHECK(type_name<app::box<app::box<int>>>() != type_name<app::box<int>>());
    CHECK(contains(type_name<app::box<app::order_placed>>(), "app::order_placed"));
}

TEST_CASE("a name at namespace scope names one type in the whole process") {
    STATIC_REQUIRE(names_one_type(type_name<app::order_placed>()));
    STATIC_REQUIRE(names_one_type(type_name<app::order_placed::line>()));
    STATIC_REQUIRE(names_one_type(type_name<at_global_scope>()));
    STATIC_REQUIRE(names_one_type(type_name<app::box<app::order_placed>>()));
    STATIC_REQUIRE(names_one_type(type_name<app::numbered<3>>()));
    STATIC_REQUIRE(names_one_type(type_name<std::vector<std::string>>()));
    STATIC_REQUIRE(names_one_type(type_name<int>()));
}

TEST_CASE("a name in an unnamed namespace names one type per file") {
    STATIC_REQUIRE_FALSE(names_one_type(type_name<in_unnamed_namespace>()));
    STATIC_REQUIRE_FALSE(names_one_type(type_name<app::box<in_unnamed_namespace>>()));
    STATIC_REQUIRE_FALSE(names_one_type("{anonymous}::ping"));            // GCC
    STATIC_REQUIRE_FALSE(names_one_type("(anonymous namespace)::ping"));  // Clang
    STATIC_REQUIRE_FALSE(names_one_type("`anonymous-namespace'::ping"));  // MSVC
    STATIC_REQUIRE_FALSE(names_one_type("app::box<{anonymous}::ping>"));
}

TEST_CASE("a type without a name of its own names no type elsewhere") {
    const auto lambda = [] {};
    const struct {
        int n;
    } unnamed{0};
    static_cast<void>(unnamed);
    CHECK_FALSE(names_one_type(type_name<decltype(lambda)>()));
    CHECK_FALSE(names_one_type(type_name<app::box<decltype(lambda)>>()));
    CHECK_FALSE(names_one_type(type_name<std::remove_const_t<decltype(unnamed)>>()));
    CHECK_FALSE(names_one_type("main()::ping"));                  // GCC
    CHECK_FALSE(names_one_type("main::<lambda()>"));              // GCC
    CHECK_FALSE(names_one_type("<lambda_0a1b>"));                 // MSVC
    CHECK_FALSE(names_one_type("app::<unnamed struct>"));         // GCC
    CHECK_FALSE(names_one_type("main::<unnamed-type-unnamed>"));  // MSVC
}

}  // namespace
