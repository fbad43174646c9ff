// expects: versions that may be concurrent need an order to be looked at: before.version, version.
#include <tidings/consumer/replica.hpp>

#include <string>

struct by_clock {
    using version_type = tidings::vector_clock;
#ifndef MUST_NOT_COMPILE
    static bool before(const version_type& a, const version_type& b) { return tidings::keep_siblings::before(a, b); }
#endif
};

int main() { const tidings::replica<int, std::string, by_clock> carts; }
