/// What is in a batch, and the account of all that were.
#pragma once

#include <tidings/base/sync.hpp>
#include <tidings/core/kept_event.hpp>
#include <tidings/core/redelivery.hpp>
#include <tidings/core/stats.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace tidings::consumer_detail {

/// What became of the events that were put into batches, in place of what their subscription says of them.
class batch_account {
public:
    void collect() noexcept { collected_.fetch_add(1, std::memory_order_relaxed); }
    void take_back() noexcept { collected_.fetch_sub(1, std::memory_order_relaxed); }

    // A batch that was given up is sent again.
    void send_again(std::size_t events) noexcept { sent_again_.fetch_add(events, std::memory_order_relaxed); }
    void take_back_sent(std::size_t events) noexcept {
        sent_again_.fetch_sub(events, std::memory_order_relaxed);
        go_on();
    }

    void end(std::size_t events, settlement how) noexcept {
        count(how == settlement::done ? delivered_ : failed_, events);
    }
    void discard(std::size_t events) noexcept { count(discarded_, events); }

    /// Events in batches that have not ended.
    std::uint64_t held() const noexcept {
        const std::uint64_t over = ended();  // first: then it is not the larger one
        return collected_.load(std::memory_order_acquire) + sent_again_.load(std::memory_order_acquire) - over;
    }

    /// The queue that waits until there are fewer.
    void set_queue(redelivering_queue collecting) { collecting_.emplace(std::move(collecting)); }

    /// `handler_has_ended`: nobody will handle what is held, whoever may still have it.
    subscription_stats of(subscription_stats collecting, bool handler_has_ended) const noexcept {
        const std::uint64_t now_held = held();
        const std::uint64_t collected = collected_.load(std::memory_order_relaxed);
        collecting.delivered -= std::min(collecting.delivered, collected);
        collecting.delivered += delivered_.load(std::memory_order_relaxed);
        collecting.failed += failed_.load(std::memory_order_relaxed);
        collecting.discarded += discarded_.load(std::memory_order_relaxed);
        (handler_has_ended ? collecting.discarded : collecting.queued) += now_held;
        return collecting;
    }

private:
    using counter = base::atomic<std::uint64_t>;

    std::uint64_t ended() const noexcept {
        std::uint64_t sum = 0;
        for (const counter* each : {&delivered_, &failed_, &discarded_}) sum += each->load(std::memory_order_acquire);
        return sum;
    }

    void count(counter& as, std::size_t events) noexcept {
        as.fetch_add(events, std::memory_order_release);
        go_on();
    }

    void go_on() const noexcept {
        if (collecting_) collecting_->resume();
    }

    counter collected_{0};  // each event once, however often its batch is sent
    counter sent_again_{0};
    counter delivered_{0};
    counter failed_{0};
    counter discarded_{0};
    std::optional<redelivering_queue> collecting_;  // set before there are events
};

/// Events are added by one collector at a time, until it is complete; then they are read.
struct batch_contents {
    using time_point = std::chrono::steady_clock::time_point;

    batch_contents(time_point at, std::uint64_t of) noexcept : due{at}, key{of} {}
    /// Events that nobody will handle any more.
    ~batch_contents() {
        for (; ways != 0; --ways) account->discard(events.size());
    }
    batch_contents(const batch_contents&) = delete;
    batch_contents& operator=(const batch_contents&) = delete;

    /// No more events. Returns the line of the queue that rests for it, if one does.
    std::optional<std::uint64_t> complete() noexcept {
        const std::lock_guard lock{mutex};
        is_complete = true;
        return std::exchange(resting, std::nullopt);
    }

    /// It is on its way to a handler, whose account that is.
    void begin(std::shared_ptr<batch_account> of) noexcept {
        const std::lock_guard lock{mutex};
        account.swap(of);
        ++ways;
    }
    void take_back() noexcept {
        const std::lock_guard lock{mutex};
        --ways;
    }

    /// For the account of its handler; returns the same.
    settlement count(settlement how, batch_account& of) noexcept {
        if (how != settlement::done && how != settlement::failed) return how;
        take_back();
        of.end(events.size(), how);
        return how;
    }

    const time_point due;
    const std::uint64_t key;  ///< the hash of its events' keys

    base::mutex mutex;
    std::vector<kept_event> events;          ///< guarded by mutex until it is complete
    bool is_complete = false;                ///< guarded by mutex
    bool is_urgent = false;                  ///< guarded by mutex: it does not wait for company
    std::optional<std::uint64_t> resting{};  ///< guarded by mutex

    // How often it is on its way: a letter may be sent again before the handler that gave it up has returned. Guarded
    // by mutex.
    unsigned ways = 0;
    std::shared_ptr<batch_account> account{};  ///< of the last of them
};

}  // namespace tidings::consumer_detail
