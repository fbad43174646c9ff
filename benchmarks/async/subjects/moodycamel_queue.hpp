/// moodycamel::BlockingConcurrentQueue: no bound, no order between producers.
#pragma once

#include <async/cargo.hpp>

#include <concurrentqueue/blockingconcurrentqueue.h>

#include <array>
#include <cstddef>

/// `Bulk`: how many events it takes out at once.
template <std::size_t Bulk>
class moodycamel_queue {
public:
    void push(const cargo& e) { queue_.enqueue(e); }

    template <class Use>
    std::size_t take(Use use) {
        if constexpr (Bulk == 1) {
            queue_.wait_dequeue(taken_[0]);
            use(taken_[0]);
            return 1;
        } else {
            const std::size_t count = queue_.wait_dequeue_bulk(taken_.begin(), Bulk);
            for (std::size_t n = 0; n < count; ++n) use(taken_[n]);
            return count;
        }
    }

private:
    moodycamel::BlockingConcurrentQueue<cargo> queue_;
    std::array<cargo, Bulk> taken_;
};
