/// Publishers that wait for room in a queue, in their order.
#pragma once

#include <cstddef>

namespace tidings::detail {

/// First come, first served. Guarded by the queue's mutex.
class line_of_publishers {
public:
    class place {
    public:
        explicit place(line_of_publishers& line) noexcept : line_{line} {
            place** link = &line.first_;
            while (*link != nullptr) link = &(*link)->next_;
            *link = this;
            ++line.size_;
        }
        place(const place&) = delete;
        place& operator=(const place&) = delete;

        bool is_first() const noexcept { return line_.first_ == this; }

        void leave() noexcept {
            place** link = &line_.first_;
            while (*link != this) link = &(*link)->next_;
            *link = next_;
            --line_.size_;
        }

    private:
        line_of_publishers& line_;
        place* next_ = nullptr;
    };

    std::size_t size() const noexcept { return size_; }
    bool empty() const noexcept { return size_ == 0; }

private:
    place* first_ = nullptr;
    std::size_t size_ = 0;
};

}  // namespace tidings::detail
