#pragma once

#include <tidings/tidings.hpp>

#include <utility>

template <class E>
struct tidings_bus {
    static constexpr const char* name = "tidings";
    static constexpr bool stands_threads = true;

    template <class F>
    [[nodiscard]] tidings::subscription subscribe(F handler) {
        return bus.subscribe(std::move(handler));
    }
    [[gnu::always_inline]] void publish(const E& event) { bus.publish(event); }

    tidings::bus bus;
};
