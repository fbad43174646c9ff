/// tidings: a subscription on a pool of two, in order by key, of which there are a thousand.
#pragma once

#include <async/cargo.hpp>
#include <async/subjects/pool_allocations.hpp>
#include <async/subjects/subscriptions.hpp>
#include <tidings/tidings.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

class keyed_subscription {
public:
    static constexpr std::size_t copies = 1;

    void expect(std::uint64_t) noexcept {}
    void push(const cargo& e) { bus_.publish(e); }
    void finish() { bus_.drain(); }

    std::uint64_t allocations() { return allocations_of(pool_, threads); }
    std::uint64_t sum() const { return std::accumulate(sums_.begin(), sums_.end(), std::uint64_t{0}); }

private:
    static constexpr std::size_t threads = 2;
    static constexpr std::uint64_t keys = 1'000;
    static std::uint64_t key_of(const cargo& e) { return e.fields[0] % keys; }

    std::vector<std::uint64_t> sums_ = std::vector<std::uint64_t>(keys);  // no lock: a key is handled in order
    tidings::thread_pool pool_{threads};
    tidings::bus bus_{{.executor = pool_}};
    tidings::subscription subscription_ =
        bus_.subscribe([this](const cargo& e) { sums_[key_of(e)] += e.fields[0]; }, tidings::async.ordered_by(&key_of));
};
