/// The batches that are not complete.
#pragma once

#include <tidings/base/sync.hpp>
#include <tidings/consumer/detail/batch_contents.hpp>

#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tidings::consumer_detail {

/// By the hash of their key. Thread-safe. No lock is held while what it is given is called, or a batch ends.
class open_batches {
public:
    using shared = std::shared_ptr<batch_contents>;

    /// Throws std::bad_alloc.
    void add(shared begun) {
        const std::lock_guard lock{mutex_};
        const std::uint64_t key = begun->key;
        all_.emplace(key, std::move(begun));
    }

    /// The first of that hash for which `is_it(contents)`; null: there is none. Allocates where several have the hash.
    /// Throws std::bad_alloc.
    template <class IsIt>
    shared find(std::uint64_t key, IsIt is_it) const {
        shared first;
        std::vector<shared> others;
        {
            const std::lock_guard lock{mutex_};
            auto [at, end] = all_.equal_range(key);
            if (at == end) return nullptr;
            first = at->second;
            while (++at != end) others.push_back(at->second);
        }
        if (is_it(*first)) return first;
        for (const shared& each : others)
            if (is_it(*each)) return each;
        return nullptr;
    }

    void forget(const batch_contents& which) noexcept {
        shared forgotten;
        const std::lock_guard lock{mutex_};
        const auto [first, last] = all_.equal_range(which.key);
        for (auto at = first; at != last; ++at) {
            if (at->second.get() != &which) continue;
            forgotten = std::move(at->second);
            all_.erase(at);
            return;
        }
    }

    /// Forgets those there are, and calls `call(contents)` for each.
    template <class Call>
    void take_all(Call call) noexcept {
        map taken;
        {
            const std::lock_guard lock{mutex_};
            taken.swap(all_);
        }
        for (const auto& [key, each] : taken) call(*each);
    }

    /// The same for those of one hash.
    template <class Call>
    void take_all(std::uint64_t key, Call call) noexcept {
        for (;;) {
            shared taken;
            {
                const std::lock_guard lock{mutex_};
                const auto found = all_.find(key);
                if (found == all_.end()) return;
                taken = std::move(found->second);
                all_.erase(found);
            }
            call(*taken);
        }
    }

private:
    using map = std::unordered_multimap<std::uint64_t, shared>;

    mutable base::mutex mutex_;
    map all_;  // guarded by mutex_
};

}  // namespace tidings::consumer_detail
