/// Tells somebody of a handler's failure.
#pragma once

#include <tidings/base/config.hpp>
#include <tidings/base/sync.hpp>
#include <tidings/core/handler_error.hpp>

#include <cstdio>
#include <mutex>
#include <utility>

namespace tidings::detail {

/// Keeps the error handler of one bus. Thread-safe.
class error_reporter {
public:
    explicit error_reporter(error_handler handler) noexcept : handler_{std::move(handler)} {}

    void report(const handler_error& error) const noexcept {
        TIDINGS_TRY {
            if (const error_handler handler = current()) {
                handler(error);
                return;
            }
        }
        TIDINGS_CATCH_ALL {}
        std::fprintf(stderr, "tidings: handler '%.*s' of %.*s failed: %s\n",
                     static_cast<int>(error.subscriber().size()), error.subscriber().data(),
                     static_cast<int>(error.event_type().size()), error.event_type().data(), error.what());
    }

    /// Destroys the error handler as soon as nobody is in it; later errors go to the default.
    void clear() noexcept {
        error_handler ended;
        std::lock_guard lock{mutex_};
        std::swap(ended, handler_);
    }

private:
    error_handler current() const noexcept {
        std::lock_guard lock{mutex_};
        return handler_;
    }

    mutable base::mutex mutex_;
    error_handler handler_;  // guarded by mutex_
};

}  // namespace tidings::detail
