#include <tidings/base/event_registry.hpp>

#include "support/catch.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace {

using tidings::base::event_entry;
using tidings::base::event_registry;
using tidings::base::event_traits;

// Addresses as two shared libraries would have them.
constexpr char library_a = 'a';
constexpr char library_b = 'b';

constexpr event_traits order_in_a{"app::order_placed", "order.placed", 16, 8, &library_a};

event_traits in_b(event_traits traits) {
    traits.identity = &library_b;
    return traits;
}

TEST_CASE("a type has one number, from 1, however often it is asked for") {
    event_registry all;
    const event_entry& first = all.find_or_add(order_in_a);
    CHECK(first.index == 1);
    CHECK(&all.find_or_add(order_in_a) == &first);
    CHECK(all.find_or_add({"app::order_paid", "app::order_paid", 16, 8, &library_b}).index == 2);
    CHECK(&all.find_or_add(order_in_a) == &first);
}

TEST_CASE("a type at namespace scope is one type in every library") {
    event_registry all;
    const event_entry& first = all.find_or_add(order_in_a);
    CHECK(&all.find_or_add(in_b(order_in_a)) == &first);
}

TEST_CASE("types of one name whose size or alignment differ are different types") {
    event_registry all;
    const event_entry& first = all.find_or_add(order_in_a);
    for (const auto& [size, alignment] : {std::array<std::size_t, 2>{24, 8}, {16, 4}, {32, 16}}) {
        CAPTURE(size, alignment);
        event_traits other = order_in_a;
        other.size = size;
        other.alignment = alignment;
        CHECK_FALSE(other == order_in_a);
        CHECK(&all.find_or_add(other) != &first);
        CHECK(&all.find_or_add(in_b(other)) != &first);
    }
}

TEST_CASE("a library that is loaded where another was has types of its own") {
    event_registry all;
    const event_entry& first = all.find_or_add(order_in_a);
    CHECK(&all.find_or_add({"app::other", "other", 16, 8, &library_a}) != &first);
}

TEST_CASE("namesakes in unnamed namespaces are different types, and each is one") {
    const std::string name = GENERATE(as<std::string>{}, "{anonymous}::ping", "(anonymous namespace)::ping",
                                      "main()::ping", "app::box<{anonymous}::ping>", "app::<lambda(int)>");
    CAPTURE(name);
    event_registry all;
    const event_traits in_a{name, name, 4, 4, &library_a};
    const event_entry& first = all.find_or_add(in_a);
    const event_entry& second = all.find_or_add(in_b(in_a));
    CHECK(&first != &second);
    CHECK(&all.find_or_add(in_a) == &first);
    CHECK(&all.find_or_add(in_b(in_a)) == &second);
}

TEST_CASE("an entry keeps its texts when the library that brought them is unloaded") {
    event_registry all;
    std::string type = "app::order_placed, with a name too long to be kept in place";
    std::string event = "order.placed, with a name too long to be kept in place";
    const event_entry& entry = all.find_or_add({type, event, 16, 8, &library_a});
    const std::string type_then = type;
    const std::string event_then = event;
    type.assign(type.size(), 'x');
    event.assign(event.size(), 'x');
    CHECK(entry.type == type_then);
    CHECK(entry.event == event_then);
    CHECK(&all.find_or_add({type_then, event_then, 16, 8, &library_a}) == &entry);
    CHECK(&all.find_or_add({type_then, event_then, 16, 8, &library_b}) == &entry);
}

TEST_CASE("threads that register the same types at once agree on their numbers") {
    constexpr std::size_t types = 50;
    event_registry all;
    std::vector<std::string> names;
    for (std::size_t n = 0; n != types; ++n) names.push_back("app::event_" + std::to_string(n));
    std::array<std::vector<const event_entry*>, 4> found;
    std::atomic<int> ready{0};
    std::vector<std::thread> threads;
    for (auto& mine : found) {
        threads.emplace_back([&, &library = &mine == found.data() ? library_a : library_b] {
            ++ready;
            while (ready != 4) std::this_thread::yield();
            for (const std::string& name : names) mine.push_back(&all.find_or_add({name, name, 1, 1, &library}));
        });
    }
    for (auto& each : threads) each.join();
    CHECK(std::all_of(found.begin(), found.end(), [&](const auto& each) { return each == found[0]; }));
    CHECK(std::set<const event_entry*>{found[0].begin(), found[0].end()}.size() == types);
}

}  // namespace
