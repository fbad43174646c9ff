/// The loop over functions with a lock around it: safe, and a handler that subscribes or publishes hangs.
#pragma once

#include <subjects/function_loop.hpp>

#include <mutex>
#include <utility>

template <class E>
struct locked_loop {
    static constexpr const char* name = "locked_loop";
    static constexpr bool stands_threads = true;

    template <class F>
    for_good subscribe(F handler) {
        return loop.subscribe(std::move(handler));
    }
    [[gnu::always_inline]] void publish(const E& event) {
        const std::lock_guard lock{mutex};
        loop.publish(event);
    }

    std::mutex mutex;
    function_loop<E> loop;
};
