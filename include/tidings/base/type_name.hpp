/// The name of a type as the compiler writes it, known at compile time, without run-time type information.
#pragma once

#include <cstddef>
#include <string_view>

namespace tidings::base {

template <class T>
constexpr std::string_view function_that_names() noexcept {
#if defined(_MSC_VER) && !defined(__clang__)
    return __FUNCSIG__;
#else
    return __PRETTY_FUNCTION__;
#endif
}

/// `type_name<app::order_placed>()` is "app::order_placed". Compilers differ in how they write templates and
/// unnamed namespaces. The text lives as long as the shared library it is compiled into.
template <class T>
constexpr std::string_view type_name() noexcept {
    // What stands before and after the name is the same for every type: measure it once, on a known one.
    constexpr std::string_view probe = function_that_names<double>();
    constexpr std::size_t prefix = probe.find("double");
    constexpr std::size_t suffix = probe.size() - prefix - std::string_view{"double"}.size();
    static_assert(prefix != std::string_view::npos, "tidings: this compiler does not name types as expected");
    std::string_view name = function_that_names<T>();
    name.remove_prefix(prefix);
    name.remove_suffix(suffix);
    for (const std::string_view keyword : {"struct ", "class ", "union ", "enum "})  // MSVC writes them
        if (name.starts_with(keyword)) name.remove_prefix(keyword.size());
    return name;
}

/// Whether the same name in another shared library means the same type. It does at namespace scope; a local type
/// or one in an unnamed namespace has namesakes that are other types, and is written with a bracket.
constexpr bool names_one_type(std::string_view name) noexcept {
    return name.find_first_of("({`$") == std::string_view::npos && name.find("<lambda") == std::string_view::npos &&
           name.find("unnamed") == std::string_view::npos;
}

}  // namespace tidings::base
