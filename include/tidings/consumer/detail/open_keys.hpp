/// The keys that have open windows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <unordered_map>

namespace tidings::window_detail {

/// A key is known by its number, too, in the order of arrival: by that it is found, and forgotten, without user code.
template <class Key>
class open_keys {
public:
    /// Which key it is, without the key.
    struct handle {
        std::size_t hash = 0;
        std::uint64_t arrival = 0;
    };

    static std::size_t hash_of(const Key& key) { return std::hash<Key>{}(key); }

    /// Null: it has none.
    const handle* find(const Key& key, std::size_t hash) const {
        const auto found = windows_of_.find(looked_for{key, hash});
        return found != windows_of_.end() ? &found->first.known_by : nullptr;
    }

    handle add(const Key& key, std::size_t hash) {
        const handle known_by{hash, next_arrival_};
        windows_of_.emplace(entry{key, known_by}, 0);
        ++next_arrival_;
        return known_by;
    }

    void window_opens(const handle& of) noexcept { ++windows_of_.find(of)->second; }

    /// A key without windows is forgotten.
    void window_ends(const handle& of) noexcept {
        const auto found = windows_of_.find(of);
        if (--found->second == 0) windows_of_.erase(found);
    }

    void forget_unused(const handle& of) noexcept {
        const auto found = windows_of_.find(of);
        if (found != windows_of_.end() && found->second == 0) windows_of_.erase(found);
    }

private:
    struct entry {
        Key key;
        handle known_by;
    };
    struct looked_for {
        const Key& key;
        std::size_t hash;
    };
    struct hasher {
        using is_transparent = void;
        std::size_t operator()(const entry& e) const noexcept { return e.known_by.hash; }
        std::size_t operator()(const handle& h) const noexcept { return h.hash; }
        std::size_t operator()(const looked_for& l) const noexcept { return l.hash; }
    };
    struct equal {
        using is_transparent = void;
        bool operator()(const entry& a, const entry& b) const noexcept {
            return a.known_by.arrival == b.known_by.arrival;
        }
        bool operator()(const handle& a, const entry& b) const noexcept { return a.arrival == b.known_by.arrival; }
        bool operator()(const entry& a, const handle& b) const noexcept { return a.known_by.arrival == b.arrival; }
        bool operator()(const looked_for& a, const entry& b) const { return a.key == b.key; }
        bool operator()(const entry& a, const looked_for& b) const { return a.key == b.key; }
    };

    std::unordered_map<entry, std::size_t, hasher, equal> windows_of_;
    std::uint64_t next_arrival_ = 0;
};

}  // namespace tidings::window_detail
