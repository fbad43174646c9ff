#pragma once

#include <boost/signals2.hpp>

#include <utility>

template <class E>
struct boost_signals2 {
    static constexpr const char* name = "signals2";
    static constexpr bool stands_threads = true;

    template <class F>
    [[nodiscard]] boost::signals2::scoped_connection subscribe(F handler) {
        return signal.connect(std::move(handler));
    }
    [[gnu::always_inline]] void publish(const E& event) { signal(event); }

    boost::signals2::signal<void(const E&)> signal;
};
