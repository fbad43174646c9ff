/// The least that calling what is known at run time only can cost.
#pragma once

#include <subjects/function_loop.hpp>

#include <memory>
#include <utility>
#include <vector>

template <class E>
struct pointer_loop {
    static constexpr const char* name = "pointer_loop";
    static constexpr bool stands_threads = false;

    template <class F>
    for_good subscribe(F handler) {
        auto kept = std::make_shared<F>(std::move(handler));
        callbacks.push_back({[](void* object, const E& event) { (*static_cast<F*>(object))(event); }, kept.get()});
        handlers.push_back(std::move(kept));
        return {};
    }
    [[gnu::always_inline]] void publish(const E& event) {
        for (const callback& each : callbacks) each.function(each.object, event);
    }

    struct callback {
        void (*function)(void*, const E&);
        void* object;
    };
    std::vector<callback> callbacks;
    std::vector<std::shared_ptr<void>> handlers;
};
