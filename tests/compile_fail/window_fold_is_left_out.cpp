// expects: tidings: a function is left out that has to be given
#include <tidings/consumer/windows.hpp>

#include <chrono>

int main() {
    const auto fold = [](int& sum, int n) { sum += n; };
    const auto closed = [](const tidings::window<int, int>&) {};
#ifdef MUST_NOT_COMPILE
    tidings::window_functions<int, int, int> how{.closed = closed};
#else
    tidings::window_functions<int, int, int> how{.fold = fold, .closed = closed};
#endif
    static_cast<void>(fold);
    tidings::window_aggregator<int, int, int> minutes{tidings::tumbling(std::chrono::minutes{1}), how};
}
