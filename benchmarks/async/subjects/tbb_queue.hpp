/// tbb::concurrent_bounded_queue, with the bound that a tidings queue has.
#pragma once

#include <async/cargo.hpp>

#include <tbb/concurrent_queue.h>

#include <cstddef>

class tbb_queue {
public:
    tbb_queue() { queue_.set_capacity(1'024); }

    void push(const cargo& e) { queue_.push(e); }

    template <class Use>
    std::size_t take(Use use) {
        cargo taken;
        queue_.pop(taken);
        use(taken);
        return 1;
    }

private:
    tbb::concurrent_bounded_queue<cargo> queue_;
};
