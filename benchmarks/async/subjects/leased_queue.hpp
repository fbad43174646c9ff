/// tidings::work_queue, each message of which is received and acknowledged; with messages inside that nobody waits for
/// yet.
#pragma once

#include <async/cargo.hpp>

#include <tidings/queue/work_queue.hpp>

#include <chrono>
#include <cstddef>

template <std::size_t delayed>
class leased_queue {
public:
    leased_queue() {
        for (std::size_t n = 0; n != delayed; ++n)
            queue_.push(cargo{}, {.delay = std::chrono::hours{1} + std::chrono::microseconds{n * 7919 % 1'000'003}});
    }

    void push(const cargo& e) { queue_.push(e); }

    template <class Use>
    std::size_t take(Use use) {
        auto job = queue_.receive();
        use(job->value());
        job->ack();
        return 1;
    }

private:
    tidings::work_queue<cargo> queue_{{.capacity = 1'024 + delayed}};
};
