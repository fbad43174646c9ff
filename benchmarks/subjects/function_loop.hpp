/// What a program does without a library: no synchronisation, no barrier, a failing handler ends the loop.
#pragma once

#include <functional>
#include <utility>
#include <vector>

/// A subscription that does not end.
struct for_good {};

template <class E>
struct function_loop {
    static constexpr const char* name = "function_loop";
    static constexpr bool stands_threads = false;

    template <class F>
    for_good subscribe(F handler) {
        functions.emplace_back(std::move(handler));
        return {};
    }
    [[gnu::always_inline]] void publish(const E& event) {
        for (const auto& function : functions) function(event);
    }

    std::vector<std::function<void(const E&)>> functions;
};
