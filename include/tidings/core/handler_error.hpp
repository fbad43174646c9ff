/// What on_error is told of a handler that failed.
#pragma once

#include <tidings/base/function.hpp>
#include <tidings/core/context.hpp>

#include <exception>
#include <string_view>

namespace tidings {

/// A failure of a handler. Valid during the call of on_error only.
class handler_error {
public:
    /// The name given to subscribe; empty if none was.
    std::string_view subscriber() const noexcept { return subscriber_; }

    std::string_view event_type() const noexcept { return event_type_; }

    /// The exception's what(); a text of ours for an exception that does not derive from std::exception, and for a
    /// barrier that could not be kept.
    const char* what() const noexcept { return exception_ != nullptr ? exception_->what() : text_; }

    /// The exception, or null: where the failure is that reset() or a destructor did not wait for the handler
    /// because that would have been a deadlock.
    std::exception_ptr exception() const noexcept { return thrown_; }

    /// The event that the handler failed on, or null for a barrier that could not be kept.
    const tidings::context* context() const noexcept { return origin_; }

    /// A failure without an event: a barrier that could not be kept.
    handler_error(std::string_view subscriber, std::string_view event_type, const char* text) noexcept
        : subscriber_{subscriber}, event_type_{event_type}, text_{text} {}

    /// A failure to take an event, without an exception.
    handler_error(std::string_view subscriber, const tidings::context& origin, const char* text) noexcept
        : subscriber_{subscriber}, event_type_{origin.event_type()}, text_{text}, origin_{&origin} {}

    /// A handler's failure on an event; `thrown` is null if the exception does not derive from std::exception.
    handler_error(std::string_view subscriber, const tidings::context& origin, const std::exception* thrown) noexcept
        : subscriber_{subscriber},
          event_type_{origin.event_type()},
          exception_{thrown},
          thrown_{std::current_exception()},
          origin_{&origin} {}

private:
    std::string_view subscriber_;
    std::string_view event_type_;
    const char* text_ = "an exception that does not derive from std::exception";
    const std::exception* exception_ = nullptr;
    std::exception_ptr thrown_;
    const tidings::context* origin_ = nullptr;
};

/// Called on the thread where the handler failed, from several at once, with no lock held; it may use the bus. What
/// it throws is dropped, and the failure goes to the default instead: a line on the standard error stream.
class error_handler : public base::shared_function<void(const handler_error&)> {
public:
    using base::shared_function<void(const handler_error&)>::shared_function;
};

}  // namespace tidings
