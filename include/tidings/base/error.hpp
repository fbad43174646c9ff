/// The errors that the library throws for what went wrong in operation.
#pragma once

#include <string>
#include <system_error>

namespace tidings {

/// Conditions of tidings::error, in the category "tidings".
enum class errc {
    would_deadlock = 1,  ///< the call would wait for the thread that makes it
    no_threads,          ///< the system gives no more threads
    invalid_topic,       ///< a topic or pattern that is malformed, or too long
    payload_too_large,   ///< an event in bytes that has too many of them, or is nested too deep
    invalid_payload,     ///< bytes that are not what they should be an event in, or hold what its type cannot
    unknown_event,       ///< a name, or a version of it, that a catalog does not have
    event_name_taken,    ///< two types of one name and version
};

namespace detail {

class error_category_type final : public std::error_category {
public:
    const char* name() const noexcept override { return "tidings"; }
    std::string message(int condition) const override {
        switch (static_cast<errc>(condition)) {
            case errc::would_deadlock:
                return "waiting here would wait for itself";
            case errc::no_threads:
                return "the system gives no more threads";
            case errc::invalid_topic:
                return "a malformed topic";
            case errc::payload_too_large:
                return "an event that is too large, or nested too deep";
            case errc::invalid_payload:
                return "bytes that make no such event";
            case errc::unknown_event:
                return "an event that the catalog does not know";
            case errc::event_name_taken:
                return "two event types of one name and version";
        }
        return "unknown error";
    }
};

}  // namespace detail

inline const std::error_category& error_category() noexcept {
    static const detail::error_category_type only;
    return only;
}

inline std::error_code make_error_code(errc condition) noexcept {
    return {static_cast<int>(condition), error_category()};
}

/// code() is an errc, or the system's own where the system failed.
class error : public std::system_error {
public:
    using std::system_error::system_error;
};

}  // namespace tidings

template <>
struct std::is_error_code_enum<tidings::errc> : std::true_type {};
