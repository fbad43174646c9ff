/// Where asynchronous work runs when nobody says where.
#pragma once

#include <tidings/base/config.hpp>
#include <tidings/base/fork.hpp>
#include <tidings/base/sync.hpp>
#include <tidings/executor/detail/worker_pool.hpp>
#include <tidings/executor/executor.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <utility>

namespace tidings {

namespace detail {

/// Hands everything to the pool of this process: after a fork() the child makes one of its own.
class shared_pool final : public executor_port {
public:
    shared_pool() = default;
    ~shared_pool() override {
        delete newest_.load(std::memory_order_acquire);
    }  // only at the end of a simulation's run

    void post(task work) noexcept override {
        TIDINGS_TRY { current().post(std::move(work)); }
        TIDINGS_CATCH_ALL {}  // no memory for a pool: the task is destroyed
    }
    bool runs_here() const noexcept override {
        const generation* const present = newest_.load(std::memory_order_acquire);
        return present != nullptr && present->pool->runs_here();
    }
    unsigned width() const noexcept override { return threads(); }
    base::executor_mark mark() const noexcept override {
        const generation* const present = newest_.load(std::memory_order_acquire);
        return present != nullptr ? present->pool->mark() : executor_port::mark();
    }
    bool is_busy() const noexcept override {
        const generation* const present = newest_.load(std::memory_order_acquire);
        return present == nullptr || present->pool->is_busy();
    }

    /// The pool, made if there is none. Throws std::bad_alloc.
    worker_pool& current() {
        const std::uint64_t forks = base::fork_count();
        generation* present = newest_.load(std::memory_order_acquire);  // pairs with the exchange below
        if (present != nullptr && present->forks == forks) [[likely]]
            return *present->pool;
        // The one that a fork left is kept: its locks may be held, by threads that are not there.
        auto* const made = new generation{forks, present};
        if (newest_.compare_exchange_strong(present, made, std::memory_order_acq_rel)) return *made->pool;
        delete made;  // it has started no thread yet
        return *present->pool;
    }

private:
    static unsigned threads() noexcept {
        const unsigned at_once = base::thread::hardware_concurrency();
        return at_once > 2 ? at_once : 2;
    }

    struct generation {
        generation(std::uint64_t n, generation* parents)
            : forks{n},
              before{parents},
              pool{std::make_shared<worker_pool>(worker_pool_options{.minimum = 0,
                                                                     .maximum = threads(),
                                                                     .name = "tidings",
                                                                     .idle_time = std::chrono::seconds{10},
                                                                     .threads = thread_crew::at_the_end::detach})} {}
        const std::uint64_t forks;
        generation* const before;  // so that leak checkers find it
        const std::shared_ptr<worker_pool> pool;
    };

    base::atomic<generation*> newest_{nullptr};
};

}  // namespace detail

/// The pool that the process shares: of as many threads as the hardware runs at once, at least two. They start as tasks
/// need them, in the order and at the cost that thread_pool promises, and end after ten seconds without work.
///
/// It is never destroyed: it may be used by static destructors and by threads that outlive main(). When the process
/// ends its threads just stop, wherever they are, and tasks that wait are neither run nor destroyed; a task that may
/// still run while static objects are destroyed must not use those. Drain the bus, or destroy it, before main()
/// returns.
///
/// The child of a fork() has a pool of its own, with none of the parent's tasks.
///
/// Where the system gives no thread at all, tasks are destroyed. Throws std::bad_alloc, at the first call. Thread-safe.
inline executor_ref shared_executor() {
    auto& only = base::process_wide<detail::shared_pool>();
    static_cast<void>(only.current());
    return executor_ref{std::shared_ptr<detail::executor_port>{std::shared_ptr<void>{}, &only}};  // nobody owns it
}

}  // namespace tidings
