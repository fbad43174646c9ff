// expects: a change handler takes .const K& key, const std::shared_ptr<const V>& before
#include <tidings/consumer/replica.hpp>

#include <memory>
#include <string>

int main() {
#ifdef MUST_NOT_COMPILE
    const tidings::replica<int, std::string> customers{{}, [](int, const std::string&) {}};
#else
    using name = std::shared_ptr<const std::string>;
    const tidings::replica<int, std::string> customers{{}, [](int, const name&, const name&) {}};
#endif
}
