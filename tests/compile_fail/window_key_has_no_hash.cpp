// expects: tidings: the key of a window needs a std::hash, == and a copy
#include <tidings/consumer/windows.hpp>

#include <chrono>

struct customer {
    int number = 0;
};

template <class Key>
void count() {
    tidings::window_aggregator<Key, int, int> minutes{
        tidings::tumbling(std::chrono::minutes{1}),
        {.fold = [](int& sum, int n) { sum += n; }, .closed = [](const tidings::window<Key, int>&) {}}};
}

int main() {
#ifdef MUST_NOT_COMPILE
    count<customer>();
#else
    count<int>();
#endif
}
