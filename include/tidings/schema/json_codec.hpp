/// Events as JSON, by the conversions that nlohmann_json knows of their types.
#pragma once

#include <tidings/base/error.hpp>
#include <tidings/core/event.hpp>
#include <tidings/schema/detail/json_depth.hpp>
#include <tidings/schema/detail/json_numbers.hpp>
#include <tidings/schema/json_limits.hpp>

#include <nlohmann/json.hpp>

#include <cmath>
#include <concepts>
#include <cstddef>
#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <type_traits>

namespace tidings {

/// A type that nlohmann_json makes JSON of, and out of JSON: NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(order, id, cents)
template <class E>
concept json_event =
    event<E> && std::is_default_constructible_v<E> && requires(const E& e, const nlohmann::json& json) {
        nlohmann::json(e);
        { json.get<E>() } -> std::same_as<E>;
    };

namespace schema_detail {

/// Throws if it cannot be written within so many levels.
inline void require_writable(const nlohmann::json& json, std::size_t levels) {
    if (json.is_number_float() && !std::isfinite(json.get<double>())) throw error{errc::invalid_payload};
    if (!json.is_structured()) return;
    if (levels == 0) throw error{errc::payload_too_large};
    for (const auto& each : json) require_writable(each, levels - 1);
}

/// Calls it; what nlohmann_json throws, or a conversion, is an invalid payload. Of what stands in it nothing is said.
template <class F>
auto converting(F convert) {
    try {
        return convert();
    } catch (const error&) {
        throw;
    } catch (const std::bad_alloc&) {
        throw;
    } catch (const std::exception&) {
        throw error{errc::invalid_payload};
    }
}

}  // namespace schema_detail

/// The event as JSON in UTF-8, without line breaks. Throws std::bad_alloc, and tidings::error with
/// errc::payload_too_large, or with errc::invalid_payload: a text that is no UTF-8, a number that is not finite, or
/// what else its conversion throws.
template <json_event E>
std::string encode_json(const E& e, const json_limits& limits = {}) {
    return schema_detail::converting([&] {
        const nlohmann::json made(e);
        schema_detail::require_writable(made, limits.depth);
        std::string text = made.dump();
        if (text.size() > limits.bytes) throw error{errc::payload_too_large};
        return text;
    });
}

/// The event that the JSON is of; 4200.0 is 4200 in it. Size and depth are looked at before anything is allocated.
/// Fields that the type does not have are ignored, and so is the first of two of one name. Throws std::bad_alloc, and
/// tidings::error with errc::payload_too_large, or with errc::invalid_payload: no JSON, no UTF-8, something missing or
/// of another type, a number that the field cannot hold, or what else its conversion throws. No error says what stood
/// there.
template <json_event E>
E decode_json(std::string_view text, const json_limits& limits = {}) {
    if (text.size() > limits.bytes || !schema_detail::is_nested_within(text, limits.depth))
        throw error{errc::payload_too_large};
    return schema_detail::converting([&] {
        nlohmann::json read = nlohmann::json::parse(text);
        schema_detail::make_whole(read);
        schema_detail::require_floats_fit<E>(read);
        E made = read.get<E>();
        if (!schema_detail::holds_numbers(nlohmann::json(made), read)) throw error{errc::invalid_payload};
        return made;
    });
}

}  // namespace tidings
