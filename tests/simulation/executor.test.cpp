// The executors on simulated threads: every task runs or is destroyed, once, and no thread sleeps while it is needed.
#include "simulation/explore_case.hpp"
#include "simulation/sync.hpp"

#include <tidings/executor/inline_executor.hpp>
#include <tidings/executor/manual_executor.hpp>
#include <tidings/executor/shared_pool.hpp>
#include <tidings/executor/thread_pool.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace {

using namespace tidings;
using namespace std::chrono_literals;
using simulation::require;
using simulation::scheduler;

/// What became of tasks. Threads block for it: a wake-up that is lost is then a deadlock, found at once.
class account {
public:
    void add(int run, int destroyed) {
        const std::lock_guard lock{mutex_};
        require(simulation::this_thread().locks == 1, "a task is run or destroyed with a lock held");
        run_ += run;
        destroyed_ += destroyed;
        changed_.notify_all();
    }
    void wait_for_runs(int count) {
        std::unique_lock lock{mutex_};
        changed_.wait(lock, [&] { return run_ >= count; });
    }
    int run() {
        const std::lock_guard lock{mutex_};
        return run_;
    }
    int ended() {
        const std::lock_guard lock{mutex_};
        return run_ + destroyed_;
    }

private:
    base::mutex mutex_;
    base::condition_variable changed_;
    int run_ = 0;
    int destroyed_ = 0;
};

/// A task that tells the account whether it was run or destroyed.
template <class Body>
class told {
public:
    told(account& to, Body body) : to_{&to}, body_{std::move(body)} {}
    told(told&& other) noexcept : to_{std::exchange(other.to_, nullptr)}, body_{std::move(other.body_)} {}
    told& operator=(told&&) = delete;
    ~told() {
        if (to_ != nullptr) to_->add(0, 1);
    }
    void operator()() {
        account* const to = std::exchange(to_, nullptr);
        require(to != nullptr, "a task was run twice");
        body_();
        to->add(1, 0);
    }

private:
    account* to_;
    Body body_;
};

/// Where `size` threads wait for each other.
class meeting {
public:
    explicit meeting(int size) : missing_{size} {}
    void meet() {
        std::unique_lock lock{mutex_};
        if (--missing_ == 0) all_.notify_all();
        all_.wait(lock, [&] { return missing_ == 0; });
    }

private:
    base::mutex mutex_;
    base::condition_variable all_;
    int missing_;
};

/// One thread: everything runs, in order, never two at a time.
void one_thread_keeps_order(scheduler& run) {
    account tasks;
    std::array<int, 2> last{};
    bool inside = false;
    {
        thread_pool pool{1};
        for (std::size_t p = 0; p < 2; ++p) {
            run.spawn("poster", [&, p] {
                for (int n = 1; n <= 3; ++n) {
                    pool.post(told{tasks, [&, p, n] {
                                       require(!std::exchange(inside, true), "two tasks at a time on one thread");
                                       require(std::exchange(last[p], n) == n - 1, "out of order");
                                       base::preemption_point();
                                       inside = false;
                                   }});
                }
            });
        }
        tasks.wait_for_runs(6);
    }
    run.join_all();
    require(tasks.ended() == 6, "a task ended twice");
}

/// Posts that come as the threads go to sleep: none is left, and there are as many awake as there are tasks, since
/// each task waits for the others.
template <unsigned threads>
void tasks_that_need_each_other(scheduler& run) {
    account tasks;
    {
        thread_pool pool{threads};
        for (int round = 1; round <= 2; ++round) {
            meeting all{threads};
            for (unsigned p = 0; p < threads; ++p)
                run.spawn("poster", [&] { pool.post(told{tasks, [&] { all.meet(); }}); });
            tasks.wait_for_runs(round * static_cast<int>(threads));
        }
        require(pool.size() == threads, "a thread too many or too few");
    }
    run.join_all();
}

/// A task posts the next one and waits for it on another thread.
void tasks_that_post(scheduler&) {
    account tasks;
    thread_pool pool{2};
    meeting both{2};
    pool.post(told{tasks, [&] {
                       require(pool.port()->runs_here(), "a task is not on a thread of the pool");
                       pool.post(told{tasks, [&] { both.meet(); }});
                       both.meet();
                   }});
    tasks.wait_for_runs(2);
    require(!pool.port()->runs_here(), "main is no thread of the pool");
}

/// The pool goes while others post and tasks run: each task is run or destroyed, once.
template <unsigned minimum>
void a_pool_is_destroyed_in_use(scheduler& run) {
    account tasks;
    {
        std::optional<thread_pool> pool{
            std::in_place, thread_pool_options{.minimum = minimum, .maximum = 2, .name = {}, .idle_time = 1ms}};
        const executor_ref kept{*pool};
        base::atomic<bool> over{false};
        for (int p = 0; p < 2; ++p) {
            run.spawn("poster", [&, kept] {
                for (int n = 0; n < 2; ++n) {
                    kept.post(told{tasks, [&] {
                                       base::preemption_point();
                                       require(!over.load(), "a task runs after ~thread_pool");
                                   }});
                }
            });
        }
        for (std::uint64_t n = run.random(20); n != 0; --n) base::preemption_point();
        pool.reset();
        over.store(true);
        run.join_all();
    }
    require(tasks.ended() == 4, "a task is lost");
}

/// A task ends its own pool, while another thread posts and another task runs.
void a_task_destroys_its_pool(scheduler& run) {
    account tasks;
    auto pool = std::make_unique<thread_pool>(2U);
    const executor_ref kept{*pool};
    base::atomic<int> running{0};
    kept.post(told{tasks, [&] {
                       running.fetch_add(1);
                       base::preemption_point();
                       running.fetch_sub(1);
                   }});
    run.spawn("poster", [&, kept] { kept.post(told{tasks, [] {}}); });
    kept.post(told{tasks, [&] {
                       pool.reset();
                       require(running.load() == 0, "~thread_pool did not wait for the other task");
                   }});
    run.join_all();
    require(tasks.ended() == 3, "a task is lost");
}

/// A thread posts the task that ends the pool: post() may return after the pool is gone.
void the_last_task(scheduler& run) {
    account tasks;
    auto* const pool = new thread_pool{{.minimum = 0, .maximum = 2, .name = {}, .idle_time = 1ms}};
    pool->post(told{tasks, [] {}});
    pool->post(told{tasks, [pool] { delete pool; }});
    tasks.wait_for_runs(1);
    run.join_all();
    require(tasks.ended() == 2, "a task is lost");
}

/// There are more threads when tasks need them, and fewer when time passes.
template <unsigned minimum>
void a_pool_grows_and_shrinks(scheduler& run) {
    account tasks;
    {
        thread_pool pool{{.minimum = minimum, .maximum = 3, .name = {}, .idle_time = 1ms}};
        for (int round = 1; round <= 2; ++round) {
            meeting all{3};
            for (int p = 0; p < 3; ++p) run.spawn("poster", [&] { pool.post(told{tasks, [&] { all.meet(); }}); });
            tasks.wait_for_runs(round * 3);
            require(pool.size() <= 3, "too many threads");
            if (run.random(2) == 0) continue;
            run.sleep_for(1s);
            require(pool.size() == minimum, "threads without work do not end");
        }
    }
    run.join_all();
    require(tasks.ended() == 6, "a task ended twice");
}

void one_less(void* count) noexcept { static_cast<base::atomic<int>*>(count)->fetch_sub(1); }

/// Counts the calling thread until it ends.
void count_this_thread(base::atomic<int>& living) {
    using counted = base::thread_pointer<base::atomic<int>>;
    if (counted::get() != nullptr) return;
    counted::set(&living);
    living.fetch_add(1);
    base::at_thread_exit<&one_less>(&living);
}

/// Posts at the moment at which threads end for want of work. They all have ended with the pool.
void a_pool_shrinks_as_tasks_come(scheduler& run) {
    account tasks;
    base::atomic<int> living{0};
    {
        thread_pool pool{{.minimum = 0, .maximum = 2, .name = {}, .idle_time = 1ms}};
        for (int p = 0; p < 2; ++p) {
            run.spawn("poster", [&] {
                for (int n = 0; n < 2; ++n) {
                    pool.post(told{tasks, [&] { count_this_thread(living); }});
                    run.sleep_for(1ms);
                }
            });
        }
        tasks.wait_for_runs(4);
    }
    require(living.load() == 0, "a thread outlives its pool");
    run.join_all();
}

/// The loop sleeps while there is nothing to do, and nothing is left when it has slept enough.
void a_loop_sleeps_for_tasks(scheduler& run) {
    account tasks;
    manual_executor loop;
    for (int p = 0; p < 2; ++p) {
        run.spawn("poster", [&] {
            for (int n = 0; n < 2; ++n) loop.post(told{tasks, [] {}});
        });
    }
    std::size_t count = 0;
    while (count < 4) {
        require(loop.wait_for(std::chrono::nanoseconds::max()), "it woke for nothing");
        count += loop.run();
    }
    require(count == 4 && loop.size() == 0, "a task too many");
    run.join_all();
}

/// The loop sleeps in a place of its own.
void a_loop_is_woken_by_on_post(scheduler& run) {
    account tasks;
    base::mutex mutex;
    base::condition_variable changed;
    bool woken = false;
    manual_executor loop{[&] {
        require(simulation::this_thread().locks == 0, "on_post is called with a lock held");
        const std::lock_guard lock{mutex};
        woken = true;
        changed.notify_one();
    }};
    for (int p = 0; p < 2; ++p) {
        run.spawn("poster", [&] {
            for (int n = 0; n < 2; ++n) loop.post(told{tasks, [] {}});
        });
    }
    for (std::size_t count = 0; count < 4; count += loop.run()) {
        std::unique_lock lock{mutex};
        changed.wait(lock, [&] { return woken; });
        woken = false;
    }
    run.join_all();
}

/// The executor goes while others post: tasks end once, and on_post is not called from then on.
void a_manual_executor_is_destroyed_in_use(scheduler& run) {
    account tasks;
    base::atomic<bool> over{false};
    auto loop = std::make_unique<manual_executor>([&] {
        require(!over.load(), "on_post begins late");
        base::preemption_point();
        require(!over.load(), "on_post was not waited for");
    });
    const executor_ref kept{*loop};
    for (int p = 0; p < 2; ++p) {
        run.spawn("poster", [&, kept] {
            for (int n = 0; n < 2; ++n) kept.post(told{tasks, [] {}});
        });
    }
    // Inside one of its tasks, or not.
    if (run.random(2) == 0 && loop->wait_for(std::chrono::nanoseconds::max())) {
        loop->post(told{tasks, [&] { loop.reset(); }});
        loop->run();
    } else {
        loop->post(told{tasks, [] {}});
        loop->run_one();
        loop.reset();
    }
    over.store(true);
    run.join_all();
    require(tasks.ended() == 5, "a task is lost");
}

/// Who helps: the loop's own thread, and no other.
void a_loop_helps_itself(scheduler& run) {
    account tasks;
    manual_executor loop;
    const executor_ref kept{loop};
    run.spawn("other", [&, kept] {
        kept.post(told{tasks, [&, kept] {
                           require(kept.port()->runs_here(), "it runs here");
                           kept.post(told{tasks, [] {}});
                           require(!kept.port()->help(), "a task helps itself");
                       }});
        require(!kept.port()->help(), "another thread helps");
    });
    while (!kept.port()->help()) base::yield();
    run.join_all();
    require(tasks.run() == 1 && loop.run() == 1, "a task did not run once");
}

void inline_tasks_do_not_meet(scheduler& run) {
    account tasks;
    inline_executor here;
    for (int p = 0; p < 2; ++p) {
        run.spawn("poster", [&] {
            int depth = 0;
            int order = 0;
            here.post(told{tasks, [&] {
                               require(here.port()->runs_here(), "it runs here");
                               ++depth;
                               for (int n = 1; n <= 2; ++n) {
                                   here.post(told{tasks, [&, n] {
                                                      require(depth == 0, "a task inside a task");
                                                      require(++order == n, "out of order");
                                                  }});
                               }
                               base::preemption_point();
                               --depth;
                           }});
            require(order == 2 && !here.port()->runs_here(), "post() returned early");
        });
    }
    run.join_all();
    require(tasks.run() == 6, "a task is lost");
}

/// The shared pool is one, made by whoever comes first, and its threads end when there is nothing to do: the run does.
void threads_share_a_pool(scheduler& run) {
    account tasks;
    std::array<executor_ref, 2> seen;
    for (std::size_t p = 0; p < 2; ++p) {
        run.spawn("poster", [&, p] {
            seen[p] = shared_executor();
            seen[p].post(told{tasks, [] {}});
        });
    }
    tasks.wait_for_runs(2);
    run.sleep_for(1min);
    require(seen[0].port() == seen[1].port(), "two shared pools");
    require(seen[0].port()->width() == 2, "as many as the hardware has");
}

constexpr std::uint64_t schedules = tidings::simulation::schedules_of(30'000);

}  // namespace

TEST_CASE("simulated: one thread runs every task, in order") { EXPLORE(schedules, one_thread_keeps_order); }

TEST_CASE("simulated: two threads are awake for two tasks") { EXPLORE(schedules, tasks_that_need_each_other<2>); }

TEST_CASE("simulated: three threads are awake for three tasks") { EXPLORE(schedules, tasks_that_need_each_other<3>); }

TEST_CASE("simulated: tasks post tasks") { EXPLORE(schedules, tasks_that_post); }

TEST_CASE("simulated: a pool is destroyed in use") { EXPLORE(schedules, a_pool_is_destroyed_in_use<2>); }

TEST_CASE("simulated: an elastic pool is destroyed in use") { EXPLORE(schedules, a_pool_is_destroyed_in_use<0>); }

TEST_CASE("simulated: a task destroys its pool") { EXPLORE(schedules, a_task_destroys_its_pool); }

TEST_CASE("simulated: the task that is posted last destroys the pool") { EXPLORE(schedules, the_last_task); }

TEST_CASE("simulated: a pool grows from nothing and shrinks") { EXPLORE(schedules, a_pool_grows_and_shrinks<0>); }

TEST_CASE("simulated: a pool grows from one thread and shrinks") { EXPLORE(schedules, a_pool_grows_and_shrinks<1>); }

TEST_CASE("simulated: a pool shrinks as tasks come") { EXPLORE(schedules, a_pool_shrinks_as_tasks_come); }

TEST_CASE("simulated: a loop sleeps for tasks") { EXPLORE(schedules, a_loop_sleeps_for_tasks); }

TEST_CASE("simulated: a loop is woken by on_post") { EXPLORE(schedules, a_loop_is_woken_by_on_post); }

TEST_CASE("simulated: a manual executor is destroyed in use") {
    EXPLORE(schedules, a_manual_executor_is_destroyed_in_use);
}

TEST_CASE("simulated: a loop helps itself") { EXPLORE(schedules, a_loop_helps_itself); }

TEST_CASE("simulated: inline tasks do not meet") { EXPLORE(schedules, inline_tasks_do_not_meet); }

TEST_CASE("simulated: threads share a pool") { EXPLORE(schedules, threads_share_a_pool); }
