/// A key while an event of it is put into windows.
#pragma once

#include <cstddef>

namespace tidings::window_detail {

/// Forgets a key that gets no window after all.
template <class Keys, class Key>
class key_in_use {
public:
    using handle = typename Keys::handle;

    key_in_use(Keys& keys, const Key& key) : keys_{keys}, key_{key}, hash_{Keys::hash_of(key)} {
        if (const handle* const found = keys.find(key, hash_)) known_by_ = *found, known_ = true;
    }
    ~key_in_use() {
        if (added_) keys_.forget_unused(known_by_);
    }
    key_in_use(const key_in_use&) = delete;
    key_in_use& operator=(const key_in_use&) = delete;

    bool known() const noexcept { return known_; }

    const handle& make_known() {
        if (!known_) {
            known_by_ = keys_.add(key_, hash_);
            known_ = added_ = true;
        }
        return known_by_;
    }

    /// Of one that is known.
    const handle& known_by() const noexcept { return known_by_; }

private:
    Keys& keys_;
    const Key& key_;
    const std::size_t hash_;
    handle known_by_{};
    bool known_ = false;
    bool added_ = false;
};

}  // namespace tidings::window_detail
