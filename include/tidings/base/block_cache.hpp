/// Memory that goes round: what one thread allocates and another frees comes back without the allocator.
///
/// Each thread keeps a few free blocks of each size; what is too much or too little there is exchanged with a depot
/// that all threads share, many blocks at a time. Source: J. Bonwick, J. Adams, "Magazines and Vmem" (2001).
#pragma once

#include <tidings/base/config.hpp>
#include <tidings/base/prefetch.hpp>
#include <tidings/base/sync.hpp>

#include <array>
#include <cstddef>
#include <mutex>
#include <new>
#include <utility>

namespace tidings::base {

/// Free blocks of one size. A list of pointers, and not linked through the blocks: who takes one has not to wait until
/// the block itself has come from the processor that freed it.
class magazine {
public:
    static constexpr std::size_t capacity = 64;

    bool empty() const noexcept { return size_ == 0; }
    bool full() const noexcept { return size_ == capacity; }

    void push(void* block) noexcept { blocks_[size_++] = block; }
    void* pop() noexcept {
        // Another processor has it, and the next ones: to ask for them ahead halves what an event costs.
        if (size_ > ahead) prefetch(blocks_[size_ - 1 - ahead]);
        return blocks_[--size_];
    }

    void free_all(std::align_val_t alignment) noexcept {
        while (!empty()) ::operator delete(pop(), alignment);
    }

    magazine* next = nullptr;

private:
    static constexpr std::size_t ahead = 4;

    static void prefetch(const void* block) noexcept {
        prefetch_to_write(block);
        prefetch_to_write(static_cast<const std::byte*>(block) + 64);
    }

    std::size_t size_ = 0;
    void* blocks_[capacity];
};

class block_cache {
public:
    static constexpr std::align_val_t alignment{64};
    static constexpr std::size_t step = 64;  ///< sizes are rounded up to it
    static constexpr std::size_t largest = 1024;

    /// Throws std::bad_alloc. Aligned to 64 bytes. Constant time.
    static void* allocate(std::size_t size) {
        if (recycles && size <= largest) {
            if (block_cache* const mine = here()) {
                pair& free = mine->pairs_[index_of(size)];
                if (free.one == nullptr || free.one->empty()) [[unlikely]]
                    refill(free, depot_of(index_of(size)));
                if (free.one != nullptr && !free.one->empty()) return free.one->pop();
            }
            size = rounded(size);
        }
        return ::operator new(size, alignment);
    }

    /// `size` is what was asked for.
    static void free(void* block, std::size_t size) noexcept {
        if (recycles && size <= largest) {
            if (block_cache* const mine = here()) {
                pair& free = mine->pairs_[index_of(size)];
                if ((free.one == nullptr || free.one->full()) && !make_room(free, depot_of(index_of(size))))
                    [[unlikely]]
                    return ::operator delete(block, alignment);
                return free.one->push(block);
            }
        }
        ::operator delete(block, alignment);
    }

    block_cache() = default;
    block_cache(const block_cache&) = delete;
    block_cache& operator=(const block_cache&) = delete;
    ~block_cache() {
        for (pair& each : pairs_) {
            discard(each.one);
            discard(each.other);
        }
    }

private:
    /// Not where a tool looks for memory that is used after it was freed.
    static constexpr bool recycles = !TIDINGS_HAS_ASAN;

    /// Two, so that a thread at the border between empty and full does not go to the depot each time.
    struct pair {
        magazine* one = nullptr;
        magazine* other = nullptr;
    };

    static void discard(magazine* m) noexcept {
        if (m == nullptr) return;
        m->free_all(alignment);
        delete m;
    }
    static constexpr std::size_t classes = largest / step;

    static constexpr std::size_t index_of(std::size_t size) noexcept { return size == 0 ? 0 : (size - 1) / step; }
    static constexpr std::size_t rounded(std::size_t size) noexcept { return (index_of(size) + 1) * step; }

    /// Full magazines, at most 32, and empty ones.
    class depot {
    public:
        ~depot() {
            while (full_ != nullptr) discard(std::exchange(full_, full_->next));
            while (empty_ != nullptr) discard(std::exchange(empty_, empty_->next));
        }

        /// A full magazine, for one that is empty, or null; or null, and then nothing is taken.
        magazine* fetch_full(magazine* given) noexcept {
            std::lock_guard lock{mutex_};
            magazine* const fetched = full_;
            if (fetched == nullptr) return nullptr;
            full_ = fetched->next;
            --count_;
            if (given != nullptr) given->next = std::exchange(empty_, given);
            return fetched;
        }

        /// An empty magazine for one that is full, or null. What is too much is freed; null if there is no memory.
        magazine* fetch_empty(magazine* given) noexcept {
            magazine* fetched = nullptr;
            {
                std::lock_guard lock{mutex_};
                if (given != nullptr && count_ != most) {
                    given->next = full_;
                    full_ = std::exchange(given, nullptr);
                    ++count_;
                }
                if (given == nullptr) fetched = empty_;
                if (fetched != nullptr) empty_ = fetched->next;
            }
            if (given == nullptr) return fetched != nullptr ? fetched : new (std::nothrow) magazine;
            given->free_all(alignment);
            return given;
        }

    private:
        static constexpr std::size_t most = 32;
        base::mutex mutex_;
        magazine* full_ = nullptr;
        magazine* empty_ = nullptr;
        std::size_t count_ = 0;
    };

    TIDINGS_NOINLINE static void refill(pair& mine, depot& from) noexcept {
        std::swap(mine.one, mine.other);
        if (mine.one != nullptr && !mine.one->empty()) return;
        if (magazine* const full = from.fetch_full(mine.one)) mine.one = full;
    }

    TIDINGS_NOINLINE static bool make_room(pair& mine, depot& to) noexcept {
        std::swap(mine.one, mine.other);
        if (mine.one != nullptr && !mine.one->full()) return true;
        mine.one = to.fetch_empty(mine.one);
        return mine.one != nullptr;
    }

    static depot& depot_of(std::size_t index) noexcept {
        struct all {
            std::array<depot, classes> of;
        };
        return process_wide<all>().of[index];
    }

    /// Null for a thread that ends, and without memory.
    static block_cache* here() noexcept {
        if (block_cache* const mine = thread_pointer<block_cache>::get()) [[likely]]
            return mine;
        return make_here();
    }

    TIDINGS_COLD static block_cache* make_here() noexcept {
        if (thread_pointer<const block_cache>::get() != nullptr) return nullptr;  // the mark of a thread that ends
        auto* const made = new (std::nothrow) block_cache;
        if (made == nullptr) return nullptr;
        thread_pointer<block_cache>::set(made);
        at_thread_exit<&block_cache::end>(made);
        return made;
    }

    static void end(void* cache) noexcept {
        thread_pointer<const block_cache>::set(static_cast<block_cache*>(cache));
        thread_pointer<block_cache>::set(nullptr);
        delete static_cast<block_cache*>(cache);
    }

    std::array<pair, classes> pairs_;
};

}  // namespace tidings::base
