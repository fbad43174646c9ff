/// std::mutex, std::condition_variable and std::deque, as people write it.
#pragma once

#include <async/cargo.hpp>

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>

/// 0: no bound.
template <std::size_t Bound>
class locked_deque {
public:
    void push(const cargo& e) {
        {
            std::unique_lock lock{mutex_};
            if constexpr (Bound != 0) space_.wait(lock, [this] { return events_.size() < Bound; });
            events_.push_back(e);
        }
        arrived_.notify_one();
    }

    template <class Use>
    std::size_t take(Use use) {
        std::unique_lock lock{mutex_};
        arrived_.wait(lock, [this] { return !events_.empty(); });
        const cargo taken = events_.front();
        events_.pop_front();
        lock.unlock();
        if constexpr (Bound != 0) space_.notify_one();
        use(taken);
        return 1;
    }

private:
    std::mutex mutex_;
    std::condition_variable arrived_;
    std::condition_variable space_;
    std::deque<cargo> events_;
};
