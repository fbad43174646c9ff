/// The event that goes through the queues: 64 bytes.
#pragma once

#include <array>
#include <cstdint>

struct cargo {
    std::array<std::uint64_t, 8> fields{};
};
static_assert(sizeof(cargo) == 64);

inline cargo cargo_number(std::uint64_t n) { return {{n, n, n, n, n, n, n, n}}; }
