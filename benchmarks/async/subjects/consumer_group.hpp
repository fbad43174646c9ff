/// tidings: a consumer with a retry policy and dead letters, of which none is needed.
#pragma once

#include <async/cargo.hpp>
#include <async/subjects/pool_allocations.hpp>
#include <async/subjects/subscriptions.hpp>
#include <tidings/consumer/consumer.hpp>
#include <tidings/tidings.hpp>

#include <cstddef>
#include <cstdint>

class consumer_group {
public:
    static constexpr std::size_t copies = 1;

    consumer_group() {
        consumer_.on([this](const cargo& e) { sum_.value += e.fields[0]; });
    }

    void expect(std::uint64_t) noexcept {}
    void push(const cargo& e) { bus_.publish(e); }
    void finish() { bus_.drain(); }

    std::uint64_t allocations() { return allocations_of(pool_, 1); }
    std::uint64_t sum() const { return sum_.value; }

private:
    cargo_sum sum_;
    tidings::thread_pool pool_{1};
    tidings::bus bus_{{.executor = pool_}};
    tidings::dead_letters dead_;
    tidings::consumer consumer_{bus_, "group", {.dead_letters = dead_}};
};
