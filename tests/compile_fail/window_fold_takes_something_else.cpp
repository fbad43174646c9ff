// expects: tidings: this function cannot be called with what it would get
#include <tidings/consumer/windows.hpp>

#include <string>

int main() {
    const auto closed = [](const tidings::window<int, int>&) {};
#ifdef MUST_NOT_COMPILE
    tidings::window_functions<int, int, int> how{.fold = [](int& sum, const std::string&) { ++sum; }, .closed = closed};
#else
    tidings::window_functions<int, int, int> how{.fold = [](int& sum, int) { ++sum; }, .closed = closed};
#endif
    static_cast<void>(how);
}
