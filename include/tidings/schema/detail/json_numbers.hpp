/// Whether the fields of a type hold the numbers that they were given.
///
/// The conversions of nlohmann_json cast: 2^40 becomes an int of something else, and where 1e30 becomes an int the
/// behaviour is undefined. What a field made of its number is seen by making JSON of the type again.
#pragma once

#include <tidings/base/error.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <new>

namespace tidings::schema_detail {

/// Calls `each(a, b)` for the values that have the same place in both.
template <class A, class Each>
void for_each_pair(A& a, const nlohmann::json& b, Each each) {
    if (a.is_array() && b.is_array() && a.size() == b.size()) {
        for (std::size_t n = 0; n != a.size(); ++n) for_each_pair(a[n], b[n], each);
    } else if (a.is_object() && b.is_object()) {
        for (auto field = a.begin(); field != a.end(); ++field)
            if (const auto found = b.find(field.key()); found != b.end()) for_each_pair(*field, *found, each);
    } else {
        each(a, b);
    }
}

/// 4200.0 is 4200.
inline void make_whole(nlohmann::json& json) {
    if (json.is_structured()) {
        for (auto& each : json) make_whole(each);
    } else if (json.is_number_float()) {
        constexpr double exact = 9'007'199'254'740'992;  // 2^53: what is larger may have been rounded
        const double value = json.get<double>();
        if (std::abs(value) <= exact && std::trunc(value) == value) json = static_cast<std::int64_t>(value);
    }
}

/// `made` is a whole number.
inline bool is_same_number(const nlohmann::json& made, const nlohmann::json& read) noexcept {
    if (read.is_number_float()) return false;
    const auto is_negative = [](const nlohmann::json& of) {
        return !of.is_number_unsigned() && of.get<std::int64_t>() < 0;
    };
    return is_negative(made) == is_negative(read) && made.get<std::uint64_t>() == read.get<std::uint64_t>();
}

inline bool holds_numbers(const nlohmann::json& made, const nlohmann::json& read) noexcept {
    bool all = true;
    for_each_pair(made, read, [&](const nlohmann::json& is, const nlohmann::json& was) {
        if (!was.is_number()) return;
        if (is.is_number_float()) all = all && std::isfinite(is.get<double>());
        else if (is.is_number()) all = all && is_same_number(is, was);
    });
    return all;
}

/// Whether casting it to some integer type is undefined.
inline bool is_risky(const nlohmann::json& json) noexcept {
    return json.is_number_float() && !(json.get<double>() > -1 && json.get<double>() < 128);
}

inline bool has_risky(const nlohmann::json& json) noexcept {
    return json.is_structured() ? std::any_of(json.begin(), json.end(), has_risky) : is_risky(json);
}

/// Throws errc::invalid_payload if a field that is whole would get a fraction, or a power, that no such field holds:
/// tried with a fraction that does no harm.
template <class E>
void require_floats_fit(const nlohmann::json& read) {
    if (!has_risky(read)) return;
    static constexpr double harmless = 0.5;
    nlohmann::json tried = read;
    for_each_pair(tried, read, [](nlohmann::json& copy, const nlohmann::json& was) {
        if (is_risky(was)) copy = harmless;
    });
    nlohmann::json made;
    try {
        made = nlohmann::json(tried.get<E>());
    } catch (const std::bad_alloc&) {
        throw;
    } catch (const std::exception&) {
        return;  // of something else, or the conversion takes no such fraction: then it looks at what it gets
    }
    for_each_pair(made, read, [](const nlohmann::json& is, const nlohmann::json& was) {
        if (is_risky(was) && is.is_number() && !is.is_number_float()) throw error{errc::invalid_payload};
    });
}

}  // namespace tidings::schema_detail
