// expects: tidings: a function is left out that has to be given
#include <tidings/consumer/windows.hpp>

#include <chrono>

int main() {
    const auto fold = [](int& sum, int n) { sum += n; };
    const auto merge = [](int& to, int from) { to += from; };
    const auto closed = [](const tidings::window<int, int>&) {};
#ifdef MUST_NOT_COMPILE
    tidings::window_aggregator<int, int, int> visits{tidings::session(std::chrono::minutes{1}),
                                                     {.fold = fold, .closed = closed}};
#else
    tidings::window_aggregator<int, int, int> visits{tidings::session(std::chrono::minutes{1}),
                                                     {.fold = fold, .merge = merge, .closed = closed}};
#endif
    static_cast<void>(merge);
}
