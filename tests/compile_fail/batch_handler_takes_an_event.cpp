// expects: tidings: a handler of batches takes \(const tidings::batch<E>&\)
#include <tidings/consumer/consumer.hpp>
#include <tidings/tidings.hpp>

struct notification {};

int main() {
    tidings::bus bus;
    tidings::consumer digests{bus, "digests"};
#ifdef MUST_NOT_COMPILE
    digests.on_batch([](const notification&) {});
#else
    digests.on_batch([](const tidings::batch<notification>&) {});
#endif
}
