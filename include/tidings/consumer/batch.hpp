/// Events that are handled together.
#pragma once

#include <tidings/consumer/detail/batch_contents.hpp>
#include <tidings/core/event.hpp>
#include <tidings/core/kept_event.hpp>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <span>
#include <utility>

namespace tidings {

/// Events of one type, and of one key where they are collected by key, in the order of their publication. What
/// consumer::on_batch() calls its handler with; it holds one event at least.
///
/// The events are shared with whoever else has them, and not copied. They live as long as the batch, or what is kept
/// of events().
template <event E>
class batch {
public:
    using event_type = E;

    class iterator {
    public:
        using difference_type = std::ptrdiff_t;
        using value_type = E;
        using reference = const E&;
        using pointer = const E*;
        using iterator_category = std::forward_iterator_tag;

        iterator() noexcept = default;
        explicit iterator(const kept_event* at) noexcept : at_{at} {}
        reference operator*() const noexcept { return *at_->get_if<E>(); }
        pointer operator->() const noexcept { return at_->get_if<E>(); }
        iterator& operator++() noexcept {
            ++at_;
            return *this;
        }
        iterator operator++(int) noexcept { return iterator{at_++}; }
        friend bool operator==(const iterator&, const iterator&) = default;

    private:
        const kept_event* at_ = nullptr;
    };

    std::size_t size() const noexcept { return events().size(); }
    iterator begin() const noexcept { return iterator{events().data()}; }
    iterator end() const noexcept { return iterator{events().data() + events().size()}; }
    const E& front() const noexcept { return *begin(); }
    const E& operator[](std::size_t n) const noexcept { return *events()[n].template get_if<E>(); }

    /// The same with their ids, keys, sources and headers.
    std::span<const kept_event> events() const noexcept { return contents_->events; }

    /// For the library.
    explicit batch(std::shared_ptr<consumer_detail::batch_contents> contents) noexcept
        : contents_{std::move(contents)} {}
    consumer_detail::batch_contents& contents() const noexcept { return *contents_; }

private:
    std::shared_ptr<consumer_detail::batch_contents> contents_;
};

template <class T>
inline constexpr bool is_batch = false;
template <class E>
inline constexpr bool is_batch<batch<E>> = true;

namespace consumer_detail {

/// What a queue of batches goes by.
struct key_of_batch {
    template <class E>
    std::uint64_t operator()(const batch<E>& of) const noexcept {
        return of.contents().key;
    }
};

}  // namespace consumer_detail
}  // namespace tidings
