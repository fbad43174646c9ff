/// What the subjects are called in tables and charts.
#pragma once

#include <array>
#include <string_view>

namespace report {

struct title {
    std::string_view name;
    std::string_view shown;
};

inline constexpr std::array subjects{
    title{"tidings", "tidings"},
    title{"function_loop", "loop over std::function, unsynchronised"},
    title{"pointer_loop", "loop over function pointers, unsynchronised"},
    title{"locked_loop", "loop over std::function in a std::mutex"},
    title{"signals2", "Boost.Signals2"},
    title{"sigcpp", "libsigc++, for one thread only"},
};

}  // namespace report
