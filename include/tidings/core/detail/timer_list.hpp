/// The timers of a bus that have not ended.
#pragma once

#include <tidings/base/sync.hpp>

#include <mutex>

namespace tidings::detail {

/// Thread-safe; constant time.
class timer_list {
public:
    class link {
    public:
        link() = default;
        link(const link&) = delete;
        link& operator=(const link&) = delete;

    protected:
        ~link() = default;

    private:
        friend class timer_list;
        link* next_ = nullptr;
        link** at_ = nullptr;  // null: in no list
    };

    /// False, and not added, after stop().
    bool add(link& added) noexcept {
        std::lock_guard lock{mutex_};
        if (stopped_) return false;
        insert(added);
        return true;
    }

    void remove(link& removed) noexcept {
        std::lock_guard lock{mutex_};
        unlink(removed);
    }

    void stop() noexcept {
        std::lock_guard lock{mutex_};
        stopped_ = true;
    }

    /// Takes one out for which `keep(link)`, called under the lock, is true; null if there is none. The others end by
    /// themselves.
    template <class Keep>
    link* take(Keep keep) noexcept {
        std::lock_guard lock{mutex_};
        while (link* const taken = first_) {
            unlink(*taken);
            if (keep(*taken)) return taken;
        }
        return nullptr;
    }

private:
    void insert(link& added) noexcept {
        added.next_ = first_;
        added.at_ = &first_;
        if (first_ != nullptr) first_->at_ = &added.next_;
        first_ = &added;
    }

    void unlink(link& removed) noexcept {
        if (removed.at_ == nullptr) return;
        *removed.at_ = removed.next_;
        if (removed.next_ != nullptr) removed.next_->at_ = removed.at_;
        removed.at_ = nullptr;
    }

    base::mutex mutex_;
    link* first_ = nullptr;
    bool stopped_ = false;
};

}  // namespace tidings::detail
