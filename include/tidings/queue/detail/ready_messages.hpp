/// The messages that may be received, by priority.
#pragma once

#include <tidings/queue/detail/message.hpp>
#include <tidings/queue/detail/message_list.hpp>
#include <tidings/queue/priority_order.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace tidings::work_queue_detail {

/// A row for each priority. Constant time, but that a look at all rows is one at 64. Not thread-safe.
class ready_messages {
public:
    explicit ready_messages(priority_order order) noexcept : order_{order} {}

    std::size_t size() const noexcept { return size_; }

    void push_back(message& m) noexcept {
        m.turn = next_turn_++;
        rows_[m.level].push_back(m);
        note(m);
    }

    /// Where it was before it was taken.
    void put_back(message& m) noexcept {
        rows_[m.level].insert_by_turn(m);
        note(m);
    }

    /// The next to be received; null: there is none.
    message* take() noexcept {
        if (size_ == 0) return nullptr;
        if (order_ == priority_order::fair && ++takes_ == fair_share) {
            takes_ = 0;
            return take_from(oldest()->level);
        }
        return take_from(static_cast<unsigned>(std::bit_width(in_use_)) - 1);
    }

    /// The one to do without: of the lowest priority, the oldest.
    message* take_least() noexcept {
        return size_ == 0 ? nullptr : take_from(static_cast<unsigned>(std::countr_zero(in_use_)));
    }

    message* take_any() noexcept { return take_least(); }

    /// Who became ready first; null: there is none.
    const message* oldest() const noexcept {
        const message* found = nullptr;
        for (std::uint64_t left = in_use_; left != 0; left &= left - 1) {
            const message* const first = rows_[static_cast<std::size_t>(std::countr_zero(left))].front();
            if (found == nullptr || first->turn < found->turn) found = first;
        }
        return found;
    }

private:
    static constexpr std::size_t levels = highest_priority - lowest_priority + 1;
    static_assert(levels == 64, "a bit for each");

    void note(message& m) noexcept {
        m.where = whereabouts::ready;
        in_use_ |= std::uint64_t{1} << m.level;
        ++size_;
    }

    message* take_from(unsigned level) noexcept {
        message* const taken = rows_[level].pop_front();
        if (rows_[level].empty()) in_use_ &= ~(std::uint64_t{1} << level);
        --size_;
        return taken;
    }

    const priority_order order_;
    std::uint64_t in_use_ = 0;
    std::size_t size_ = 0;
    unsigned takes_ = 0;
    std::uint64_t next_turn_ = 0;
    std::array<message_list, levels> rows_;
};

}  // namespace tidings::work_queue_detail
