#include "support/catch.hpp"

#include <tidings/base/block_cache.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <set>
#include <thread>
#include <utility>
#include <vector>

namespace {

using tidings::base::block_cache;

struct block {
    std::byte* memory;
    std::size_t size;
};

block allocate(std::size_t size, int fill) {
    auto* const memory = static_cast<std::byte*>(block_cache::allocate(size));
    std::memset(memory, fill, size);
    return {memory, size};
}

bool is_filled(const block& b, int fill) {
    for (std::size_t n = 0; n != b.size; ++n)
        if (b.memory[n] != static_cast<std::byte>(fill)) return false;
    return true;
}

}  // namespace

TEST_CASE("blocks of every size are aligned, apart, and as large as was asked for") {
    std::vector<block> all;
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{63}, std::size_t{64}, std::size_t{65},
                                   std::size_t{1023}, std::size_t{1024}, std::size_t{1025}, std::size_t{5000}})
        for (int n = 0; n < 3; ++n) all.push_back(allocate(size, static_cast<int>(all.size())));
    for (std::size_t n = 0; n != all.size(); ++n) {
        CHECK(reinterpret_cast<std::uintptr_t>(all[n].memory) % 64 == 0);
        CHECK(is_filled(all[n], static_cast<int>(n)));
    }
    for (const block& b : all) block_cache::free(b.memory, b.size);
}

TEST_CASE("no block is given out twice, through every border of a magazine") {
    std::set<std::byte*> out;
    std::vector<block> held;
    // Up and down around 64, 128 and more than the depot takes.
    for (const std::size_t wanted : {1U, 63U, 64U, 65U, 0U, 129U, 127U, 200U, 10U, 3'000U, 0U, 100U, 0U}) {
        while (held.size() < wanted) {
            held.push_back(allocate(100, 7));
            REQUIRE(out.insert(held.back().memory).second);
        }
        while (held.size() > wanted) {
            REQUIRE(is_filled(held.back(), 7));
            out.erase(held.back().memory);
            block_cache::free(held.back().memory, held.back().size);
            held.pop_back();
        }
    }
}

TEST_CASE("a block comes back to who freed it") {
    if (TIDINGS_HAS_ASAN) return;  // there nothing is recycled
    void* const first = block_cache::allocate(200);
    block_cache::free(first, 200);
    CHECK(block_cache::allocate(250) == first);  // of the same class
    block_cache::free(first, 250);
}

TEST_CASE("what one thread allocates another may free, also after it has ended") {
    std::vector<block> made;
    std::thread{[&] {
        for (int n = 0; n < 500; ++n) made.push_back(allocate(130, n));
    }}.join();
    std::thread{[&] {
        for (int n = 0; n < 500; ++n) {
            CHECK(is_filled(made[static_cast<std::size_t>(n)], n));
            block_cache::free(made[static_cast<std::size_t>(n)].memory, 130);
        }
    }}.join();
}

TEST_CASE("blocks go from one thread to another all the time") {
    constexpr int count = 20'000;
    constexpr std::size_t places = 64;
    std::atomic<void*> ring[places] = {};
    std::thread taking{[&] {
        for (int n = 0; n < count; ++n) {
            void* taken = nullptr;
            while ((taken = ring[static_cast<std::size_t>(n) % places].exchange(nullptr)) == nullptr)
                std::this_thread::yield();
            int written = 0;
            std::memcpy(&written, taken, sizeof written);
            if (written != n) std::abort();
            block_cache::free(taken, 64);
        }
    }};
    for (int n = 0; n < count; ++n) {
        void* const given = block_cache::allocate(64);
        std::memcpy(given, &n, sizeof n);
        while (ring[static_cast<std::size_t>(n) % places].load() != nullptr) std::this_thread::yield();
        ring[static_cast<std::size_t>(n) % places] = given;
    }
    taking.join();
}

TEST_CASE("a thread that ends allocates and frees still") {
    struct late {
        std::vector<block> held;
        late() = default;
        late(const late&) = delete;
        late& operator=(const late&) = delete;
        ~late() {
            held.push_back(allocate(100, 3));
            for (const block& b : held) block_cache::free(b.memory, b.size);
        }
    };
    std::thread{[] {
        thread_local late before;  // constructed before the cache, and destroyed after it
        before.held.reserve(2);
        before.held.push_back(allocate(100, 3));
    }}.join();
}
