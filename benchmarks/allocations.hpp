/// How often the calling thread has allocated memory: operator new is replaced in this program.
#pragma once

#include <cstdint>

std::uint64_t allocations_so_far() noexcept;
