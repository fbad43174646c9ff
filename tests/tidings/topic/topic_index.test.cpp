#include <tidings/topic/topic_index.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/seed.hpp"

#include <tidings/topic/topic.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <new>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using tidings::topic;
using tidings::topic_index;

namespace {

std::vector<int> found(const topic_index<int>& index, std::string_view name) {
    std::vector<int> all;
    index.match(name, [&](int value) { all.push_back(value); });
    std::sort(all.begin(), all.end());
    return all;
}

}  // namespace

TEST_CASE("a name finds the values under the patterns that it fits, each once") {
    topic_index<int> index;
    index.add("order.placed", 1);
    index.add("order.*", 2);
    index.add("order.#", 3);
    index.add("#", 4);
    index.add("#.#", 5);
    index.add("*.placed", 6);
    index.add("order.placed", 7);
    CHECK(index.size() == 7);
    CHECK(found(index, "order.placed") == std::vector<int>{1, 2, 3, 4, 5, 6, 7});
    CHECK(found(index, "order") == std::vector<int>{3, 4, 5});
    CHECK(found(index, "user.registered") == std::vector<int>{4, 5});
}

TEST_CASE("what is removed leaves nothing behind") {
    topic_index<int> index;
    index.add("a.b.c", 1);
    const std::size_t places = index.places();
    for (const char* pattern : {"a.b.d", "a.#.d", "a.b", "#", "a.b.c.d"}) index.add(pattern, 2);
    CHECK_FALSE(index.remove("a.b.d", 1));
    CHECK_FALSE(index.remove("a.b.x", 2));
    CHECK_FALSE(index.remove("a", 2));
    for (const char* pattern : {"a.b.d", "a.#.d", "a.b", "#", "a.b.c.d"}) CHECK(index.remove(pattern, 2));
    CHECK(index.places() == places);
    CHECK(found(index, "a.b.c") == std::vector<int>{1});
    CHECK(index.remove("a.b.c", 1));
    CHECK(index.places() == 0);
    CHECK(index.empty());
}

TEST_CASE("an index that cannot grow is as it was") {
    for (std::int64_t nth = 1;; ++nth) {
        CAPTURE(nth);
        topic_index<int> index;
        index.add("a.b", 1);
        const std::size_t places = index.places();
        bool failed = false;
        {
            const support::failing_allocation fails{nth, support::failing::once};
            try {
                index.add("a.#.a long word that is on the heap.x", 2);
            } catch (const std::bad_alloc&) {
                failed = true;
            }
        }
        if (!failed) break;
        CHECK(index.places() == places);
        CHECK(index.size() == 1);
    }
}

TEST_CASE("an index says what its patterns say, one by one") {
    std::mt19937_64 random{support::fresh_seed("topic_index")};
    const auto make = [&](std::size_t longest, std::string_view letters) {
        std::string text;
        const std::size_t count = 1 + random() % longest;
        for (std::size_t n = 0; n < count; ++n) {
            if (n != 0) text += '.';
            text += letters[random() % letters.size()];
        }
        return text;
    };
    topic_index<int> index;
    std::vector<std::pair<topic, int>> kept;
    for (int round = 0; round < 20'000; ++round) {
        if (kept.size() < 30 && random() % 2 == 0) {
            kept.emplace_back(topic{make(5, "ab*#")}, round);
            index.add(kept.back().first.text(), round);
        } else if (!kept.empty() && random() % 4 == 0) {
            std::swap(kept[random() % kept.size()], kept.back());
            REQUIRE(index.remove(kept.back().first.text(), kept.back().second));
            kept.pop_back();
        }
        const std::string name = make(6, "abc");
        std::vector<int> expected;
        for (const auto& [pattern, value] : kept)
            if (pattern.matches(name)) expected.push_back(value);
        std::sort(expected.begin(), expected.end());
        CAPTURE(name);
        REQUIRE(found(index, name) == expected);
    }
    while (!kept.empty()) {
        REQUIRE(index.remove(kept.back().first.text(), kept.back().second));
        kept.pop_back();
    }
    CHECK(index.places() == 0);
}
