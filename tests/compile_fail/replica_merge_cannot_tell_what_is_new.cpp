// expects: merge_values needs ==, to tell that a merge brought nothing new
#include <tidings/consumer/replica.hpp>

#include <algorithm>

struct highest {
    int value = 0;
#ifndef MUST_NOT_COMPILE
    friend bool operator==(const highest&, const highest&) = default;
#endif
};

struct higher {
    highest operator()(const highest& a, const highest& b) const { return {std::max(a.value, b.value)}; }
};

int main() {
    tidings::replica<int, highest, tidings::merge_values<higher>> scores;
    scores.apply({1, 1, highest{5}});
}
