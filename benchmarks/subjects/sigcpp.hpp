/// For one thread only, by its own rules.
#pragma once

#include <sigc++/sigc++.h>

#include <utility>

template <class E>
struct sigcpp {
    static constexpr const char* name = "sigcpp";
    static constexpr bool stands_threads = false;

    class subscription {
    public:
        explicit subscription(sigc::connection connection) : connection_{std::move(connection)} {}
        subscription(subscription&& other) noexcept : connection_{std::exchange(other.connection_, {})} {}
        subscription& operator=(subscription&&) = delete;
        ~subscription() { connection_.disconnect(); }

    private:
        sigc::connection connection_;
    };

    template <class F>
    [[nodiscard]] subscription subscribe(F handler) {
        return subscription{signal.connect(std::move(handler))};
    }
    [[gnu::always_inline]] void publish(const E& event) { signal.emit(event); }

    sigc::signal<void(const E&)> signal;
};
