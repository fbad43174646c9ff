// expects: tidings: keys of batches are compared with ==
#include <tidings/consumer/consumer.hpp>
#include <tidings/tidings.hpp>

#include <cstddef>
#include <functional>

struct user {
    int number = 0;
#ifndef MUST_NOT_COMPILE
    bool operator==(const user&) const = default;
#endif
};
template <>
struct std::hash<user> {
    std::size_t operator()(const user&) const noexcept { return 1; }
};
struct notification {
    user to;
};

int main() {
    tidings::bus bus;
    tidings::consumer digests{bus, "digests"};
    digests.on_batch([](const tidings::batch<notification>&) {}, {}, tidings::async.ordered_by(&notification::to));
}
