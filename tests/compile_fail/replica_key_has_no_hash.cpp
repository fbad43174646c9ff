// expects: the key of a replica can be moved, and needs == and a std::hash
#include <tidings/consumer/replica.hpp>

#include <string>

struct customer_id {
    std::string text;
    friend bool operator==(const customer_id&, const customer_id&) = default;
};

int main() {
#ifdef MUST_NOT_COMPILE
    const tidings::replica<customer_id, int> customers;
#else
    const tidings::replica<std::string, int> customers;
#endif
}
