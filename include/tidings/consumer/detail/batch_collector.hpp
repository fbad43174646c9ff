/// Puts events into batches.
#pragma once

#include <tidings/base/config.hpp>
#include <tidings/base/function.hpp>
#include <tidings/base/sync.hpp>
#include <tidings/consumer/batch.hpp>
#include <tidings/consumer/batch_options.hpp>
#include <tidings/consumer/detail/batch_contents.hpp>
#include <tidings/consumer/detail/open_batches.hpp>
#include <tidings/core/bus_services.hpp>
#include <tidings/core/delivery.hpp>
#include <tidings/core/kept_event.hpp>
#include <tidings/core/redelivery.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>

namespace tidings::consumer_detail {

/// The batches of one handler that are not complete. A batch stands in its handler's queue from its first event on: its
/// line rests until the batch is due, or complete. So whoever waits for the queue waits for the batch, and order,
/// retries and the end of the queue are the queue's.
///
/// Events of one key, and those of other keys with the same hash, are collected one after another; so are all where
/// there are no keys.
class batch_collector_base {
public:
    using time_point = batch_contents::time_point;

    batch_collector_base(bus& on, const batch_options& how, redelivering_queue batches)
        : services_{on},
          how_{.size = std::max<std::size_t>(how.size, 1),
               .within = how.within,
               .held = std::max<std::size_t>(how.held, 1)},
          batches_{std::move(batches)} {}
    batch_collector_base(const batch_collector_base&) = delete;
    batch_collector_base& operator=(const batch_collector_base&) = delete;

    const std::shared_ptr<batch_account>& account() const noexcept { return account_; }

    /// Of the events that come to `collecting`, what became of them.
    subscription_stats stats_of(const subscription_stats& collecting) const noexcept {
        return account_->of(collecting, handler_ == nullptr || (!handler_->active() && handler_->stats().queued == 0));
    }

    /// Before there are events.
    void set_handler(std::shared_ptr<redelivering_subscription> of_batches) noexcept {
        handler_ = std::move(of_batches);
    }

    /// What was published until now is handled without waiting for company, also the `waiting` that are not collected
    /// yet. Of batches whose handler has ended, all is discarded.
    void flush(std::uint64_t waiting) noexcept {
        const auto now = services_.now().time_since_epoch().count();
        auto known = flushed_until_.load(std::memory_order_relaxed);
        while (known < now && !flushed_until_.compare_exchange_weak(known, now, std::memory_order_relaxed)) {}
        // Before complete_all(): what begins behind that sees it.
        if (waiting != 0) flush_.store(++flushes_, std::memory_order_release);
        complete_all();
    }

    /// The same, and so is whatever comes from now on.
    void close() noexcept {
        flushed_until_.store(for_ever, std::memory_order_relaxed);
        complete_all();
    }
    bool is_closed() const noexcept { return flushed_until_.load(std::memory_order_relaxed) == for_ever; }

    // A batch that was given up, of this collector or of another for the same events.
    void send_again(const kept_event& batch) const noexcept {
        batch_contents& sent = contents_of(batch);
        account_->send_again(sent.events.size());
        sent.begin(account_);
    }
    void take_back_sent(const kept_event& batch) const noexcept {
        batch_contents& sent = contents_of(batch);
        sent.take_back();
        account_->take_back_sent(sent.events.size());
    }

    settlement wait_for_memory(delivery_attempt& delivery) const noexcept {
        return delivery.not_before(at(std::chrono::milliseconds{100}));
    }

    /// What stands before the handler of batches: nothing, if the batch is not to be handled yet.
    std::optional<settlement> rest(delivery_attempt& delivery, batch_contents& of) noexcept {
        {
            const std::lock_guard lock{of.mutex};
            const bool may_wait = !of.is_complete && !of.is_urgent && !is_closed();
            if (may_wait && of.due > services_.now()) {
                of.resting = delivery.key();
                return delivery.rest_until(of.due);
            }
            of.is_complete = true;
        }
        open_.forget(of);
        return std::nullopt;
    }

    /// Has its batches handled that are not complete, and not those that begin meanwhile.
    void complete_all() noexcept {
        open_.take_all([this](batch_contents& each) { complete(each); });
    }

protected:
    ~batch_collector_base() = default;

    virtual batch_contents& contents_of(const kept_event& batch) const noexcept = 0;

    /// Whether it may have waited to be collected when flush() was called.
    bool is_urgent(const kept_event& event) const noexcept {
        return flush_.load(std::memory_order_acquire) != 0 &&
               event.published_at().time_since_epoch().count() <= flushed_until_.load(std::memory_order_relaxed);
    }

    /// An event has been collected. Its clock alone does not tell what came before a flush() and what came after: it
    /// may stand still. So a flush ends when there was nothing more to collect.
    template <class Waiting>
    void end_flush(Waiting waiting) noexcept {
        std::uint64_t begun = flush_.load(std::memory_order_acquire);
        if (begun == 0) [[likely]]
            return;
        if (waiting() <= 1) flush_.compare_exchange_strong(begun, 0, std::memory_order_relaxed);  // not a later one
    }

    time_point at(std::chrono::nanoseconds wait) const noexcept {
        const time_point now = services_.now();
        return wait < time_point::max() - now ? now + wait : time_point::max();
    }

    /// False: it is complete. Throws std::bad_alloc.
    bool add(batch_contents& to, const kept_event& event) {
        bool is_full = false;
        {
            const std::lock_guard lock{to.mutex};
            if (to.is_complete) return false;
            to.events.push_back(event);
            account_->collect();
            is_full = to.events.size() >= how_.size;
        }
        if (is_full) {
            open_.forget(to);
            complete(to);
        }
        return true;
    }

    /// Throws std::bad_alloc.
    std::shared_ptr<batch_contents> begin(std::uint64_t key, const kept_event& event) {
        auto fresh = std::make_shared<batch_contents>(at(how_.within), key);
        fresh->events.reserve(std::min<std::size_t>(how_.size, 16));
        fresh->events.push_back(event);
        fresh->is_complete = how_.size == 1;
        if (!fresh->is_complete) {
            open_.add(fresh);
            const std::lock_guard lock{fresh->mutex};
            fresh->is_urgent = is_urgent(event);
        }
        account_->collect();
        fresh->begin(account_);
        return fresh;
    }

    /// It was not begun.
    void take_back(batch_contents& begun) noexcept {
        open_.forget(begun);
        begun.take_back();
        account_->take_back();
    }

    void complete(batch_contents& which) const noexcept {
        if (const auto line = which.complete()) batches_.wake(*line);
    }

    const bus_services services_;
    const batch_options how_;
    const redelivering_queue batches_;
    const std::shared_ptr<batch_account> account_ = std::make_shared<batch_account>();
    std::shared_ptr<redelivering_subscription> handler_;  ///< set once
    open_batches open_;

private:
    static constexpr time_point::rep for_ever = time_point::max().time_since_epoch().count();

    base::atomic<time_point::rep> flushed_until_{time_point::min().time_since_epoch().count()};
    base::atomic<std::uint64_t> flushes_{0};
    base::atomic<std::uint64_t> flush_{0};  ///< the number of one that has not ended, or 0
};

template <class E, class Key>
class batch_collector final : public batch_collector_base {
public:
    batch_collector(bus& on, const batch_options& how, redelivering_queue batches, Key key)
        : batch_collector_base{on, how, std::move(batches)}, key_{std::move(key)} {}

    /// What stands before the handler of events, and is all of it.
    /// `waiting()`: how many there are to collect, this one included.
    template <class Waiting>
    settlement collect(delivery_attempt& delivery, const kept_event& event, Waiting waiting) {
        if (account_->held() >= how_.held) {
            complete_all();
            return delivery.not_before(time_point::max());  // until one has ended
        }
        TIDINGS_TRY { put(event, delivery.key()); }
        TIDINGS_CATCH_ALL { return wait_for_memory(delivery); }
        end_flush(waiting);
        return settlement::done;
    }

private:
    batch_contents& contents_of(const kept_event& of) const noexcept override {
        return of.template get_if<batch<E>>()->contents();
    }

    /// Throws std::bad_alloc.
    void put(const kept_event& event, std::uint64_t hash) {
        const auto known = find(event, hash);
        if (known != nullptr && add(*known, event)) return;
        const auto fresh = begin(hash, event);
        TIDINGS_TRY {
            // Where its handler has ended, nobody will handle it, and it counts as discarded.
            if (!handler_->deliver_new(batch<E>{fresh}, hash, {.key = event.key()})) open_.forget(*fresh);
        }
        TIDINGS_CATCH_ALL {
            take_back(*fresh);
            TIDINGS_RETHROW;
        }
    }

    /// Throws std::bad_alloc.
    std::shared_ptr<batch_contents> find(const kept_event& event, std::uint64_t hash) {
        bool is_comparable = true;
        auto found = open_.find(hash, [&](const batch_contents& each) {
            TIDINGS_TRY { return is_same(*each.events.front().template get_if<E>(), *event.template get_if<E>()); }
            TIDINGS_CATCH_ALL { is_comparable = false; }
            return false;
        });
        if (is_comparable) return found;
        // It may be of any of them, so none may get what comes behind it.
        open_.take_all(hash, [this](batch_contents& each) { complete(each); });
        return nullptr;
    }

    bool is_same(const E& a, const E& b) {
        if constexpr (std::is_same_v<Key, no_key>) {
            return true;
        } else {
            using value = std::remove_cvref_t<std::invoke_result_t<Key&, const E&>>;
            constexpr bool comparable = std::equality_comparable<value>;
            static_assert(comparable, "tidings: keys of batches are compared with ==");
            if constexpr (comparable) return base::invoke(key_, a) == base::invoke(key_, b);
            else return false;
        }
    }

    [[no_unique_address]] Key key_;
};

}  // namespace tidings::consumer_detail
