// expects: tidings: the value of a window begins as Accumulator\{\}
#include <tidings/consumer/windows.hpp>

#include <chrono>

struct sum {
#ifdef MUST_NOT_COMPILE
    explicit sum(int first) : total{first} {}
#endif
    int total = 0;
};

int main() {
    tidings::window_aggregator<int, sum, int> minutes{
        tidings::tumbling(std::chrono::minutes{1}),
        {.fold = [](sum& s, int n) { s.total += n; }, .closed = [](const tidings::window<int, sum>&) {}}};
}
