/// Memory for a fiber to run on.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <new>

namespace tidings::simulation {

/// Address space that becomes memory page by page, above a page that may not be touched: a fiber that overflows
/// its stack ends in a fault there, not in its neighbour.
class stack {
public:
    static constexpr std::size_t size = std::size_t{256} * 1024;

    stack() : guard_{static_cast<std::size_t>(::sysconf(_SC_PAGESIZE))} {
        int flags = MAP_PRIVATE | MAP_ANONYMOUS;
#if defined(MAP_NORESERVE)
        flags |= MAP_NORESERVE;
#endif
#if defined(MAP_STACK)
        flags |= MAP_STACK;
#endif
        void* const mapped = ::mmap(nullptr, guard_ + size, PROT_READ | PROT_WRITE, flags, -1, 0);
        if (mapped == MAP_FAILED) throw std::bad_alloc{};
        begin_ = static_cast<std::byte*>(mapped);
        if (::mprotect(begin_, guard_, PROT_NONE) != 0) {
            ::munmap(begin_, guard_ + size);
            throw std::bad_alloc{};
        }
    }
    ~stack() { ::munmap(begin_, guard_ + size); }
    stack(const stack&) = delete;
    stack& operator=(const stack&) = delete;

    std::byte* low() const noexcept { return begin_ + guard_; }

private:
    std::size_t guard_;
    std::byte* begin_;
};

}  // namespace tidings::simulation
