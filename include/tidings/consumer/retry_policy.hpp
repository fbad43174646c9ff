/// Which failures are tried again, how often, and when.
#pragma once

#include <tidings/base/config.hpp>
#include <tidings/base/function.hpp>
#include <tidings/consumer/backoff.hpp>

#include <chrono>
#include <exception>
#include <stdexcept>

namespace tidings {

/// Thrown by a handler for an event that will fail at every attempt: it goes to the dead letters at once.
class permanent_failure : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Whether an exception is permanent. Called inside a catch block, on the thread of the handler, with no lock held;
/// what it throws counts as no.
class permanent_test : public base::shared_function<bool(const std::exception_ptr&)> {
public:
    using base::shared_function<bool(const std::exception_ptr&)>::shared_function;
};

/// Exceptions of these types, and of those that derive from them, are permanent.
template <class... Exceptions>
permanent_test permanent_errors() {
    return [](const std::exception_ptr& thrown) {
        const auto is_one = [&](auto* of) {
            TIDINGS_TRY { std::rethrow_exception(thrown); }
#if TIDINGS_HAS_EXCEPTIONS
            catch (const std::remove_pointer_t<decltype(of)>&) {
                return true;
            }
#endif
            TIDINGS_CATCH_ALL {}
            return false;
        };
        return (is_one(static_cast<Exceptions*>(nullptr)) || ...);
    };
}

struct retry_policy {
    /// How often an event is tried in all, the first time included. 0 counts as 1.
    unsigned max_attempts = 5;

    tidings::backoff backoff = exponential(std::chrono::milliseconds{100}, std::chrono::seconds{30});

    /// Each wait is longer by up to this share of it, at random; see lengthened(). From 0 to 1.
    double jitter = 0.2;

    /// Besides tidings::permanent_failure, which always is.
    permanent_test permanent{};
};

}  // namespace tidings
