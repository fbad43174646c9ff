/// A queue of somebody else's on simulated time, and how to say what it does wrong.
#pragma once

#include <tidings/queue/message_queue.hpp>
#include <tidings/queue/push.hpp>
#include <tidings/queue/work_queue_options.hpp>
#include <tidings/queue/work_queue_stats.hpp>
#include <tidings/testing/broken_promise.hpp>
#include <tidings/testing/message_queue_guarantees.hpp>
#include <tidings/testing/simulation.hpp>

#include <chrono>
#include <concepts>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace tidings::testing::detail {

[[noreturn]] inline void breaks(const char* promise, std::string seen) {
    throw broken_promise{.promise = promise, .seen = std::move(seen), .seed = 0};
}

inline void expect(bool kept, const char* promise, const char* seen) {
    if (!kept) breaks(promise, seen);
}

template <class A, class B>
void expect_equal(const A& seen, const B& right, const char* promise, const char* what) {
    if (seen == right) return;
    if constexpr (std::is_enum_v<A>) expect_equal(static_cast<int>(seen), static_cast<int>(right), promise, what);
    else if constexpr (std::integral<A>)
        breaks(promise, std::string{what} + ": " + std::to_string(seen) + " instead of " + std::to_string(right));
    else breaks(promise, std::string{what} + " is another");
}

template <class Made>
decltype(auto) queue_in(Made& made) {
    if constexpr (requires { *made; }) return *made;
    else return (made);
}

template <class Made>
using queue_of = std::remove_reference_t<decltype(queue_in(std::declval<std::remove_cvref_t<Made>&>()))>;

template <class Make>
struct queue_maker {
    Make& make;
    const message_queue_guarantees& guarantees;

    bool promises(promised message_queue_guarantees::*which) const { return guarantees.*which == promised::yes; }

    /// Any policy that it has: for queues that do not become full.
    overflow any_policy() const {
        using all = message_queue_guarantees;
        if (promises(&all::reject)) return overflow::reject;
        if (promises(&all::drop_newest)) return overflow::drop_newest;
        return promises(&all::drop_oldest) ? overflow::drop_oldest : overflow::block;
    }
};

/// Each has a simulation of its own.
template <class Make>
class queue_under_test {
    using made = std::invoke_result_t<Make&, const work_queue_options&>;

public:
    using queue_type = queue_of<made>;
    using duration = std::chrono::steady_clock::duration;
    using lease = std::remove_cvref_t<decltype(*std::declval<queue_type&>().try_receive())>;

    explicit queue_under_test(const queue_maker<Make>& by, work_queue_options options = {})
        : made_(by.make(with_clock(options))), queue_{queue_in(made_)}, resolution_{by.guarantees.resolution} {}
    queue_under_test(const queue_under_test&) = delete;
    queue_under_test& operator=(const queue_under_test&) = delete;

    simulation& sim() noexcept { return sim_; }
    queue_type& operator*() noexcept { return queue_; }
    queue_type* operator->() noexcept { return &queue_; }
    work_queue_stats stats() const { return std::as_const(queue_).stats(); }

    void push(std::string value, const push_options& how = {}) {
        expect(queue_.push(std::move(value), how) == push_result::queued, "a queue with room takes what is pushed",
               "it did not");
    }

    /// There has to be one.
    lease receive() {
        auto got = queue_.try_receive();
        expect(static_cast<bool>(got), "what is ready can be received", "nothing was received");
        return std::move(*got);
    }

    /// Which one settles with the attempt that it makes.
    bool gives_nothing() { return !queue_.try_receive(); }

    std::vector<dead_message> dead() { return queue_.dead_letters().list(); }

    /// The only one.
    dead_message the_dead_one() {
        auto all = dead();
        expect_equal(all.size(), std::size_t{1}, "what was given up is a dead letter", "dead letters");
        return std::move(all.front());
    }

    /// Everything that is ready, acknowledged.
    std::vector<std::string> receive_all() {
        std::vector<std::string> all;
        while (auto each = queue_.try_receive()) {
            all.push_back(each->value());
            expect(each->ack(), "a lease is its receiver's until it ends", "ack() was refused at once");
        }
        return all;
    }

    /// Something takes `time`: nothing of it may be seen until then, all of it a resolution later. `is_over()` looks.
    template <class Look>
    void expect_after(duration time, const char* promise, Look is_over) {
        sim_.advance(time - duration{1});
        expect(!is_over(), promise, "it was over before its time");
        sim_.advance(resolution_);
        expect(is_over(), promise, "it was not over in time");
    }

private:
    work_queue_options with_clock(work_queue_options options) const {
        options.clock = sim_.clock();
        return options;
    }

    simulation sim_{1};
    made made_;
    queue_type& queue_;
    const duration resolution_;
};

}  // namespace tidings::testing::detail
