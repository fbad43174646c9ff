/// Messages in a row.
#pragma once

#include <tidings/queue/detail/message.hpp>

#include <cstddef>
#include <utility>

namespace tidings::work_queue_detail {

/// First in, first out; linked through the messages. Not thread-safe.
class message_list {
public:
    message_list() = default;
    message_list(const message_list&) = delete;
    message_list& operator=(const message_list&) = delete;

    bool empty() const noexcept { return first_ == nullptr; }
    std::size_t size() const noexcept { return size_; }
    message* front() const noexcept { return first_; }

    void push_back(message& m) noexcept {
        m.next = nullptr;
        *(first_ == nullptr ? &first_ : &last_->next) = &m;
        last_ = &m;
        ++size_;
    }

    /// Null if it is empty.
    message* pop_front() noexcept {
        message* const taken = first_;
        if (taken == nullptr) return nullptr;
        first_ = taken->next;
        --size_;
        return taken;
    }

    /// Before the first one whose turn is later. Linear in those before it.
    void insert_by_turn(message& m) noexcept {
        message** link = &first_;
        while (*link != nullptr && (*link)->turn < m.turn) link = &(*link)->next;
        if (*link == nullptr) return push_back(m);
        m.next = std::exchange(*link, &m);
        ++size_;
    }

    /// Empties it; what was in it is linked through `next`, up to null.
    message* take_all() noexcept {
        size_ = 0;
        return std::exchange(first_, nullptr);
    }

    /// The message has to be in it. Linear.
    void remove(message& m) noexcept {
        message* before = nullptr;
        for (message* each = first_; each != &m; each = each->next) before = each;
        *(before == nullptr ? &first_ : &before->next) = m.next;
        if (last_ == &m) last_ = before;
        --size_;
    }

private:
    message* first_ = nullptr;
    message* last_ = nullptr;  // if there is a first
    std::size_t size_ = 0;
};

}  // namespace tidings::work_queue_detail
