/// Events that are known by their name outside of the process.
#pragma once

#include <tidings/core/event.hpp>

#include <concepts>

namespace tidings {

/// Which version of its name's contents the type is: `static constexpr int schema_version = 2;`, or else 1.
template <event E>
constexpr int schema_version_of() noexcept {
    if constexpr (requires {
                      { E::schema_version } -> std::convertible_to<int>;
                  })
        return E::schema_version;
    else return 1;
}

namespace schema_detail {

/// Does not compile, in words, if bytes of it could not be told from those of another.
template <class E>
constexpr void require_storable() noexcept {
    static_assert(named_event<E>,
                  "tidings: an event that is stored has to name itself, for the compiler's name of it may change: "
                  "static constexpr std::string_view event_type = \"order.placed\";");
    if constexpr (event<E>) static_assert(schema_version_of<E>() >= 1, "tidings: schema versions begin at 1");
}

}  // namespace schema_detail
}  // namespace tidings
