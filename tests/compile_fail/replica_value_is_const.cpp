// expects: the value of a replica is an object that can be moved
#include <tidings/consumer/replica.hpp>

#include <string>

int main() {
#ifdef MUST_NOT_COMPILE
    const tidings::replica<int, const std::string> customers;
#else
    const tidings::replica<int, std::string> customers;
#endif
}
