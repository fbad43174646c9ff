/// tidings: subscriptions with queues on a pool.
#pragma once

#include <async/cargo.hpp>
#include <async/subjects/pool_allocations.hpp>
#include <tidings/tidings.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

struct alignas(64) cargo_sum {
    std::uint64_t value = 0;
};

template <std::size_t Subscriptions, std::size_t Threads>
class subscriptions {
public:
    static constexpr std::size_t copies = Subscriptions;

    subscriptions() {
        for (std::size_t n = 0; n < Subscriptions; ++n)
            each_[n] = bus_.subscribe([sum = &sums_[n]](const cargo& e) { sum->value += e.fields[0]; }, tidings::async);
    }

    void expect(std::uint64_t) noexcept {}
    void push(const cargo& e) { bus_.publish(e); }
    void finish() { bus_.drain(); }

    std::uint64_t allocations() { return allocations_of(pool_, Threads); }
    std::uint64_t sum() const {
        std::uint64_t all = 0;
        for (const cargo_sum& each : sums_) all += each.value;
        return all;
    }

private:
    std::array<cargo_sum, Subscriptions> sums_;
    tidings::thread_pool pool_{Threads};
    tidings::bus bus_{{.executor = pool_}};
    std::array<tidings::subscription, Subscriptions> each_;
};
