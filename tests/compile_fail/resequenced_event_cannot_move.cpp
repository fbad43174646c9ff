// expects: tidings: an event that is put in order is an object that can be moved
#include <tidings/consumer/resequencer.hpp>

#include <cstdint>

struct packet {
    packet() = default;
#ifdef MUST_NOT_COMPILE
    packet(const packet&) = delete;
#endif
};

int main() {
    tidings::resequencer<packet> order{{.deliver = [](std::uint64_t, const packet&) {}}};
}
