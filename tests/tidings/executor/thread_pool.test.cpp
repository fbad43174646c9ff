#include <tidings/executor/thread_pool.hpp>

#include "support/allocations.hpp"
#include "support/captures.hpp"
#include "support/catch.hpp"
#include "support/waiting.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#if defined(__linux__)
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

namespace {

using namespace std::chrono_literals;
using support::flag;
using support::wait_until;
using tidings::executor_ref;
using tidings::thread_pool;

/// Posts a task to each of the threads of which `pool` has `count`, and holds them there until it ends.
class hold {
public:
    hold(thread_pool& pool, int count) : count_{count} {
        for (int n = 0; n < count; ++n) {
            pool.post([this] {
                ++held_;
                go_.wait();
                ++left_;
            });
        }
        wait_until([&] { return held_ == count; });
    }
    ~hold() { release(); }
    hold(const hold&) = delete;
    hold& operator=(const hold&) = delete;

    void release() {
        go_.raise();
        wait_until([&] { return left_ == count_; });
    }
    void release_later() { go_.raise(); }

private:
    const int count_;
    std::atomic<int> held_{0};
    std::atomic<int> left_{0};
    flag go_;
};

TEST_CASE("a pool of one thread runs tasks in the order in which they are posted") {
    std::vector<int> order;
    flag done;
    thread_pool pool{1};
    for (int n = 0; n < 1'000; ++n) pool.post([&, n] { order.push_back(n); });
    pool.post([&] { done.raise(); });
    done.wait();
    REQUIRE(order.size() == 1'000);
    for (int n = 0; n < 1'000; ++n) CHECK(order[static_cast<std::size_t>(n)] == n);
}

TEST_CASE("a pool runs as many tasks at a time as it has threads") {
    thread_pool pool{4};
    CHECK(pool.size() == 4);
    CHECK(pool.port()->width() == 4);
    hold all{pool, 4};  // does not return otherwise
    all.release();
}

TEST_CASE("tasks of several posters all run, each poster's in order on one thread") {
    constexpr int posters = 3;
    constexpr int each = 2'000;
    std::vector<int> last(posters, -1);
    bool in_order = true;
    std::atomic<int> run{0};
    {
        thread_pool pool{1};
        std::vector<std::thread> threads;
        for (int p = 0; p < posters; ++p) {
            threads.emplace_back([&, p] {
                for (int n = 0; n < each; ++n) {
                    pool.post([&, p, n] {
                        in_order = in_order && std::exchange(last[static_cast<std::size_t>(p)], n) == n - 1;
                        ++run;
                    });
                }
            });
        }
        for (std::thread& t : threads) t.join();
        wait_until([&] { return run == posters * each; });
    }
    CHECK(in_order);
}

TEST_CASE("a pool knows its threads, and not another's") {
    thread_pool pool{1};
    thread_pool other{1};
    CHECK_FALSE(pool.port()->runs_here());
    std::atomic<int> answers{-1};
    pool.post([&] { answers = (pool.port()->runs_here() ? 1 : 0) + (other.port()->runs_here() ? 2 : 0); });
    wait_until([&] { return answers != -1; });
    CHECK(answers == 1);
    CHECK_FALSE(pool.port()->help());
}

TEST_CASE("posting to a pool with threads allocates nothing") {
    if (!support::counts_allocations) return;
    struct job : tidings::base::job {
        job() : tidings::base::job{&job::act_on} {}
        static void act_on(tidings::base::job& self, bool) noexcept { static_cast<job&>(self).done.raise(); }
        flag done;
    };
    thread_pool pool{2};
    job one;
    job other;
    const auto before = support::allocated_here;
    pool.post(tidings::task{one});
    pool.post(tidings::task{other});
    const auto after = support::allocated_here;
    one.done.wait();
    other.done.wait();
    CHECK(after == before);
}

TEST_CASE("a pool that ends destroys what waits, on the destroying thread, and waits for what runs") {
    std::atomic<bool> ended{false};
    std::vector<std::thread::id> destroyed;
    int run = 0;
    auto pool = std::make_unique<thread_pool>(1U);
    flag inside;
    flag go;
    pool->post([&] {
        inside.raise();
        go.wait();
        ended = true;
    });
    inside.wait();
    bool early = false;
    for (int n = 0; n < 3; ++n) {
        pool->post([&, end = support::at_end{[&] {
                           early = early || ended;
                           destroyed.push_back(std::this_thread::get_id());
                           go.raise();  // so it is destroyed before what runs is waited for
                       }}] { ++run; });
    }
    pool.reset();
    CHECK(ended);
    CHECK(run == 0);
    CHECK(destroyed == std::vector<std::thread::id>(3, std::this_thread::get_id()));
}

TEST_CASE("what is posted to a pool that has ended is destroyed at once") {
    executor_ref kept;
    {
        thread_pool pool{1};
        kept = pool;
    }
    support::watched capture;
    int calls = 0;
    kept.post([&calls, held = capture.copy()] { ++calls; });
    CHECK_FALSE(capture.exists());
    CHECK(calls == 0);
}

TEST_CASE("a task that is destroyed may post, to the pool that ends, too") {
    auto pool = std::make_unique<thread_pool>(1U);
    const executor_ref kept{*pool};
    hold held{*pool, 1};
    int ends = 0;
    pool->post([&, end = support::at_end{[&] {
                       ++ends;
                       kept.post([again = support::at_end{[&] { ++ends; }}] {});
                       held.release_later();
                   }}] {});
    pool.reset();
    CHECK(ends == 2);
}

TEST_CASE("a task may destroy its pool") {
    for (int round = 0; round < 50; ++round) {
        auto pool = std::make_unique<thread_pool>(2U);
        const executor_ref kept{*pool};
        flag over;
        std::atomic<int> run{0};
        kept.post([&] { ++run; });
        kept.post([&, kept] {
            pool.reset();
            bool destroyed = false;
            kept.post([end = support::at_end{[&] { destroyed = true; }}] {});
            if (destroyed && kept.port()->runs_here()) over.raise();
        });
        over.wait();
        CHECK(run <= 1);
    }
}

TEST_CASE("the captures of tasks end on the thread that ran them, and threads have ended with their pool") {
    static std::atomic<int> thread_locals{0};
    struct counted {
        counted() { ++thread_locals; }
        ~counted() { --thread_locals; }
    };
    {
        thread_pool pool{2};
        std::atomic<int> run{0};
        for (int n = 0; n < 100; ++n) {
            pool.post([&] {
                thread_local const counted mine;
                static_cast<void>(mine);
                ++run;
            });
        }
        wait_until([&] { return run == 100; });
        CHECK(thread_locals > 0);
    }
    CHECK(thread_locals == 0);
}

TEST_CASE("a pool grows while tasks wait, and shrinks when there are none") {
    thread_pool pool{{.minimum = 1, .maximum = 3, .idle_time = 1ms}};
    CHECK(pool.size() == 1);
    CHECK(pool.port()->width() == 3);
    for (int round = 0; round < 3; ++round) {
        {
            const hold held{pool, 3};
            CHECK(pool.size() == 3);
        }
        wait_until([&] { return pool.size() == 1; });
    }
}

TEST_CASE("a pool may have no threads while there is nothing to do") {
    thread_pool pool{{.minimum = 0, .maximum = 2, .idle_time = 1ms}};
    CHECK(pool.size() == 0);
    { const hold held{pool, 2}; }
    wait_until([&] { return pool.size() == 0; });
    { const hold held{pool, 1}; }
}

TEST_CASE("a pool does not grow while a thread is free, nor beyond its maximum") {
    thread_pool pool{{.minimum = 1, .maximum = 2, .idle_time = std::chrono::nanoseconds::max()}};
    for (int n = 0; n < 100; ++n) {
        flag done;
        pool.post([&] { done.raise(); });
        done.wait();
        // The thread may still be on its way back: then one more is due.
        CHECK(pool.size() <= 2);
    }
    hold held{pool, 2};
    for (int n = 0; n < 10; ++n) pool.post([] {});
    CHECK(pool.size() == 2);
}

TEST_CASE("numbers of threads that make no sense are taken for the next that do") {
    CHECK(thread_pool{0}.size() == std::max(std::thread::hardware_concurrency(), 1U));
    CHECK(thread_pool{{.minimum = 0, .maximum = 0}}.port()->width() == 1);
    const thread_pool more{{.minimum = 3, .maximum = 2}};
    CHECK(more.size() == 3);
    CHECK(more.port()->width() == 3);
    STATIC_REQUIRE_FALSE(std::is_convertible_v<unsigned, thread_pool>);
    STATIC_REQUIRE_FALSE(std::is_move_constructible_v<thread_pool>);
}

TEST_CASE("posts, growth and the end at once: each task is run or destroyed") {
    for (int round = 0; round < 200; ++round) {
        std::atomic<int> run{0};
        std::atomic<int> ended{0};
        const unsigned least = round % 3 == 0 ? 0 : 1;
        auto pool = std::make_unique<thread_pool>(
            tidings::thread_pool_options{.minimum = least, .maximum = 3, .name = {}, .idle_time = 10us});
        const executor_ref kept{*pool};
        std::thread poster{[&] {
            for (int n = 0; n < 20; ++n) kept.post([&, end = support::at_end{[&] { ++ended; }}] { ++run; });
        }};
        for (int n = 0; n < round % 20; ++n) kept.post([&, end = support::at_end{[&] { ++ended; }}] { ++run; });
        if (round % 2 == 0) pool.reset();
        poster.join();
        pool.reset();
        CHECK(ended == 20 + round % 20);
        CHECK(run <= ended);
    }
}

#if defined(__linux__)

std::string name_of_this_thread() {
    char name[16] = {};
    ::pthread_getname_np(::pthread_self(), name, sizeof name);
    return name;
}

std::string name_in(thread_pool& pool) {
    std::string name;
    flag done;
    pool.post([&] {
        name = name_of_this_thread();
        done.raise();
    });
    done.wait();
    return name;
}

TEST_CASE("threads of a pool have its name and a number") {
    thread_pool pool{{.name = "orders"}};
    CHECK(name_in(pool) == "orders-1");
    thread_pool lengthy{{.name = "a name that is too long"}};
    CHECK(name_in(lengthy) == "a name that i-1");
    thread_pool nameless{1};
    CHECK(name_in(nameless) == name_of_this_thread());
}

#if !TIDINGS_HAS_TSAN && !TIDINGS_HAS_ASAN  // they start threads their own way

/// While it lives, the system has no memory for the stacks of new threads.
class no_more_threads {
public:
    no_more_threads() {
        ::pthread_attr_t huge;
        ::pthread_attr_init(&huge);
        ::pthread_getattr_default_np(&before_);
        ::pthread_attr_setstacksize(&huge, std::size_t{1} << 46U);
        ::pthread_setattr_default_np(&huge);
        ::pthread_attr_destroy(&huge);
    }
    ~no_more_threads() {
        ::pthread_setattr_default_np(&before_);
        ::pthread_attr_destroy(&before_);
    }
    no_more_threads(const no_more_threads&) = delete;
    no_more_threads& operator=(const no_more_threads&) = delete;

private:
    ::pthread_attr_t before_{};
};

TEST_CASE("a pool that does not get its threads is an error, and leaves nothing") {
    const no_more_threads now;
    const auto before = support::blocks_in_use.load();
    try {
        const thread_pool pool{2};
        FAIL("there are threads");
    } catch (const tidings::error& caught) {
        CHECK(caught.code() == tidings::errc::no_threads);
    }
    CHECK(support::blocks_in_use.load() == before);
}

TEST_CASE("a pool that cannot grow goes on with the threads it has, and grows when it can") {
    thread_pool pool{{.minimum = 1, .maximum = 2}};
    std::atomic<int> run{0};
    {
        const no_more_threads now;
        hold held{pool, 1};
        pool.post([&] { ++run; });
        CHECK(pool.size() == 1);
    }
    wait_until([&] { return run == 1; });
    const hold both{pool, 2};
    CHECK(pool.size() == 2);
}

TEST_CASE("a pool that has no threads and gets none destroys tasks") {
    thread_pool pool{{.minimum = 0}};
    support::watched capture;
    const no_more_threads now;
    pool.post([held = capture.copy()] { FAIL("nobody can run it"); });
    CHECK_FALSE(capture.exists());
    CHECK(pool.size() == 0);
}

#endif

#if !TIDINGS_HAS_TSAN  // it does not follow threads through fork()

TEST_CASE("a child process can destroy the pool of its parent") {
    auto pool = std::make_unique<thread_pool>(2U);
    const hold held{*pool, 2};
    const pid_t child = ::fork();
    if (child == 0) {
        ::alarm(20);  // a hang is a failure
        pool.reset();
        ::_exit(0);
    }
    int status = -1;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
}

#endif
#endif

}  // namespace
