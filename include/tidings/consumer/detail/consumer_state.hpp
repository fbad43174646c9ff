/// What the handlers of a consumer share: its policy, and what it remembers.
#pragma once

#include <tidings/base/config.hpp>
#include <tidings/base/sync.hpp>
#include <tidings/consumer/consumer_options.hpp>
#include <tidings/consumer/consumer_stats.hpp>
#include <tidings/consumer/dead_letter.hpp>
#include <tidings/consumer/detail/batch_collector.hpp>
#include <tidings/consumer/detail/batch_contents.hpp>
#include <tidings/consumer/detail/dead_letter_store.hpp>
#include <tidings/consumer/detail/gate.hpp>
#include <tidings/consumer/detail/letter_book.hpp>
#include <tidings/consumer/detail/time_limit.hpp>
#include <tidings/consumer/recent_ids.hpp>
#include <tidings/core/bus_services.hpp>
#include <tidings/core/handler_error.hpp>
#include <tidings/core/redelivery.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tidings::consumer_detail {

/// What comes to a handler.
enum class role { handles_events, handles_batches, collects_batches };

class consumer_state final : public redrive_target, public std::enable_shared_from_this<consumer_state> {
public:
    using time_point = std::chrono::steady_clock::time_point;

    consumer_state(bus& on, std::string_view name, const consumer_options& options)
        : name_{name},
          options_{options},
          services_{on},
          gate_{options.circuit_breaker, options.rate_limit, options.concurrency},
          is_plain_{gate_.is_open() && options.guarantee != delivery_guarantee::effectively_once &&
                    options.time_limit <= std::chrono::nanoseconds::zero()},
          known_{options.duplicates} {
        options_.retry.max_attempts = std::max(options_.retry.max_attempts, 1U);
    }

    const std::string& name() const noexcept { return name_; }
    const consumer_options& options() const noexcept { return options_; }
    const std::shared_ptr<dead_letter_store>& letters() const noexcept { return options_.dead_letters.store(); }

    // --- Handlers --------------------------------------------------------------------------------------------------

    using shared_subscription = std::shared_ptr<redelivering_subscription>;

    /// Numbers for `count` handlers of one queue, the first of which is returned. Throws std::bad_alloc.
    std::size_t reserve_handlers(std::size_t count, overflow when_full) {
        const std::lock_guard lock{mutex_};
        const std::size_t first = handlers_.size();
        handlers_.resize(first + count, {.queue = first, .when_full = when_full});
        return first;
    }

    void set_handler(std::size_t number, shared_subscription made) noexcept {
        const std::lock_guard lock{mutex_};
        handlers_[number].subscribed = std::move(made);
    }

    /// Throws std::bad_alloc.
    void add_collector(std::size_t batches, std::size_t events, std::shared_ptr<batch_collector_base> collector) {
        const std::lock_guard lock{mutex_};
        collectors_.push_back(collector);
        handlers_[batches].does = role::handles_batches;
        handlers_[batches].collector = collector;
        handlers_[events].does = role::collects_batches;
        handlers_[events].collector = std::move(collector);
    }

    void flush() noexcept {
        for (std::size_t n = handlers(); n-- != 0;)
            if (const reserved each = find(n); each.does == role::collects_batches) each.collector->flush(waiting(n));
    }

    /// How many events wait for that handler, or are with it. Of one that is being made, that is not known.
    std::uint64_t waiting(std::size_t number) const noexcept {
        const shared_subscription of = subscribed(number);
        return of != nullptr ? of->stats().queued : std::numeric_limits<std::uint64_t>::max();
    }

    /// Nothing more comes in; what waits is handled.
    void close() noexcept {
        for (std::size_t n = handlers(); n-- != 0;)
            if (const reserved each = find(n); each.subscribed != nullptr && each.does != role::handles_batches)
                each.subscribed->close();
        for_each_collector([](batch_collector_base& each) { each.close(); });
    }

    shared_subscription subscribed(std::size_t number) const noexcept { return find(number).subscribed; }

    /// Throws std::bad_alloc.
    void add_queue(const redelivering_queue& queue) {
        const std::lock_guard lock{mutex_};
        queues_.push_back(queue);
    }

    /// Ends all subscriptions; see subscription::reset(). They stay, for their stats.
    void end() noexcept {
        end(0, handlers());
        flush();
    }

    /// The same for `count` of them from the one with number `first`.
    void end(std::size_t first, std::size_t count) noexcept {
        for (std::size_t n = first + count; n-- != first;)
            if (const auto each = find(n).subscribed) each->reset();
    }

    consumer_stats stats() const noexcept {
        consumer_stats sums;
        for (std::size_t n = handlers(); n-- != 0;)
            if (const reserved each = find(n); each.subscribed != nullptr && each.does != role::handles_batches)
                sums.events += each.does == role::collects_batches ? each.collector->stats_of(each.subscribed->stats())
                                                                   : each.subscribed->stats();
        sums.retried = retried_.load(std::memory_order_relaxed);
        sums.dead_lettered = dead_lettered_.load(std::memory_order_relaxed);
        sums.given_up = given_up_.load(std::memory_order_relaxed);
        sums.unkept = refused_.load(std::memory_order_relaxed);
        sums.duplicates = duplicates_.load(std::memory_order_relaxed);
        sums.overran = overran_.load(std::memory_order_relaxed);
        sums.breaker = gate_.state(services_.now());
        sums.breaker_openings = gate_.openings();
        return sums;
    }

    breaker_state breaker() const noexcept { return gate_.state(services_.now()); }

    // --- Deliveries ------------------------------------------------------------------------------------------------

    /// Of which handler, of which queue, and whether that goes by keys.
    struct handler {
        std::size_t number = 0;
        std::size_t queue = 0;
        bool has_keys = false;
        std::span<const kept_event> members{};  ///< of a batch
        std::size_t collected_by = 0;           ///< the number that its members have come to
    };

    /// `call()` calls the handler, and throws what that throws.
    template <class Call>
    settlement deliver(delivery_attempt& delivery, handler to, Call call) {
        const bool is_plain = is_plain_ && book_.is_empty() && delivery.number() <= options_.retry.max_attempts;
        if (!is_plain) [[unlikely]]
            return deliver_carefully(delivery, to, {&call, [](void* made) { (*static_cast<Call*>(made))(); }});
        TIDINGS_TRY { call(); }
        TIDINGS_CATCH_ALL { return settle_failure(delivery, to, is_permanent()); }
        return settlement::done;
    }

    /// Before an event is collected for a batch. Throws std::bad_alloc.
    bool claim(const kept_event& event, std::size_t number) {
        if (!is_duplicate(event, number, services_.now())) return true;
        duplicates_.fetch_add(1, std::memory_order_relaxed);
        return false;
    }
    void release(const kept_event& event, std::size_t number) noexcept {
        if (options_.guarantee != delivery_guarantee::effectively_once) return;
        const std::lock_guard lock{mutex_};
        known_.release(id_for(event, number));
    }
    /// However short the waits between attempts are: who asks for memory, or a full store, again and again does nothing
    /// else.
    static constexpr std::chrono::nanoseconds shortest_wait_for_room = std::chrono::milliseconds{100};

    // --- For dead letters ------------------------------------------------------------------------------------------

    bool redrive(const stored_letter& letter) override {
        const kept_event& event = letter.letter.event;
        const bool is_mine = letter.from.lock().get() == this;
        reserved to = find(letter.handler);
        std::size_t number = letter.handler;
        for (std::size_t n = 0; !is_mine && !to.takes(event) && n != handlers(); ++n) to = find(number = n);
        return to.takes(event) && send(letter, to, number, is_mine);
    }

    void forget(const stored_letter& letter) noexcept override {
        book_.remove_letter({letter.queue, letter.key}, letter.order);
    }

private:
    /// What is known of a handler.
    struct reserved {
        std::size_t queue = 0;
        overflow when_full = overflow::block;
        role does = role::handles_events;
        std::shared_ptr<batch_collector_base> collector{};  ///< of those that have to do with batches
        shared_subscription subscribed{};                   ///< null: it is being made, or could not be

        bool takes(const kept_event& event) const noexcept {
            return subscribed != nullptr && subscribed->takes(event) &&
                   !(does == role::handles_batches && collector->is_closed());
        }
    };

    template <class Each>
    void for_each_collector(Each call) noexcept {
        for (std::size_t n = 0;; ++n) {
            std::shared_ptr<batch_collector_base> each;
            {
                const std::lock_guard lock{mutex_};
                if (n == collectors_.size()) return;
                each = collectors_[n];
            }
            call(*each);
        }
    }

    std::size_t handlers() const noexcept {
        const std::lock_guard lock{mutex_};
        return handlers_.size();
    }

    /// Of a number that there is not, nothing.
    reserved find(std::size_t n) const noexcept {
        const std::lock_guard lock{mutex_};
        return n < handlers_.size() ? handlers_[n] : reserved{};
    }

    bool send(const stored_letter& letter, const reserved& to, std::size_t number, bool is_mine) {
        const key_of_queue line{to.queue, letter.key};
        // Nobody would say that it has ended where its queue may drop it.
        const bool may_be_dropped = to.when_full == overflow::drop_oldest || to.when_full == overflow::drop_newest;
        const bool holds_up = options_.later_events == behind_dead::park && !may_be_dropped;
        book_.note_sent(letter, number, holds_up ? std::optional{line} : std::nullopt);
        if (to.does == role::handles_batches) to.collector->send_again(letter.letter.event);
        bool sent = false;
        const auto settle = [&]() noexcept {
            if (!sent && to.does == role::handles_batches) to.collector->take_back_sent(letter.letter.event);
            if (!sent) book_.take_back(letter.letter.event, number);
            if (sent ? !holds_up : !is_mine) book_.remove_letter(line, letter.order);
        };
        TIDINGS_TRY { sent = to.subscribed->deliver(letter.letter.event, letter.key); }
        TIDINGS_CATCH_ALL {
            settle();
            TIDINGS_RETHROW;
        }
        settle();
        return sent;
    }

    /// Of the caller's type nothing is left: what follows is compiled once, and not for each handler.
    struct erased_call {
        void* made;
        void (*run)(void*);
        void operator()() const { run(made); }
    };

    settlement deliver_carefully(delivery_attempt& delivery, handler to, erased_call call) {
        const kept_event event = delivery.keep();
        if (const auto settled = settle_unhandled(delivery, to, event)) return *settled;
        const auto begun = services_.now();
        const gate::answer entry = gate_.enter(begun);
        if (!entry.may_pass) return delivery.not_before(entry.ask_again);
        visit inside{*this, entry.with};
        TIDINGS_TRY {
            if (delivery.number() == 1 && is_duplicate(event, to.number, begun)) {
                duplicates_.fetch_add(1, std::memory_order_relaxed);
                book_.end_sent(event, to.number);
                return settlement::done;
            }
        }
        TIDINGS_CATCH_ALL { return delivery.not_before(at(shortest_wait_for_room)); }  // for that of its id
        TIDINGS_TRY {
            std::optional<time_limit> limit;
            if (options_.time_limit > std::chrono::nanoseconds::zero()) {
                limit.emplace(services_.clock(), at(options_.time_limit));
                delivery.set_stop_token(limit->token());
            }
            const timed watch{*this, delivery, begun};
            call();
        }
        TIDINGS_CATCH_ALL {
            const bool permanent = is_permanent();
            if (!permanent) inside.how = circuit_breaker::result::failed;
            return settle_failure(delivery, to, permanent);
        }
        inside.how = circuit_breaker::result::succeeded;
        book_.end_sent(event, to.number);
        return settlement::done;
    }

    /// Leaves the gate, and lets those in who wait at it.
    struct visit {
        consumer_state& home;
        circuit_breaker::pass with;
        circuit_breaker::result how = circuit_breaker::result::unknown;
        visit(consumer_state& of, circuit_breaker::pass given) noexcept : home{of}, with{given} {}
        visit(const visit&) = delete;
        visit& operator=(const visit&) = delete;
        ~visit() {
            if (home.gate_.leave(with, how, home.services_.now())) home.resume_queues();
        }
    };

    /// Looks how long it took.
    struct timed {
        consumer_state& home;
        delivery_attempt& delivery;
        time_point begun;
        timed(consumer_state& of, delivery_attempt& d, time_point since) noexcept
            : home{of}, delivery{d}, begun{since} {}
        timed(const timed&) = delete;
        timed& operator=(const timed&) = delete;
        ~timed() {
            const auto limit = home.options_.time_limit;
            if (limit <= time_point::duration::zero() || home.services_.now() - begun <= limit) return;
            home.overran_.fetch_add(1, std::memory_order_relaxed);
            home.report(delivery, "it took longer than its time limit");
        }
    };

    void resume_queues() noexcept {
        // One after another, without the lock, and without memory.
        for (std::size_t n = 0;; ++n) {
            std::optional<redelivering_queue> queue;
            {
                const std::lock_guard lock{mutex_};
                if (n == queues_.size()) return;
                queue = queues_[n];
            }
            queue->resume();
        }
    }

    void report(const delivery_attempt& delivery, const char* what) const noexcept {
        const context about = delivery.context();
        services_.report(handler_error{name_, about, what});
    }

    time_point at(std::chrono::nanoseconds wait) const noexcept {
        const time_point now = services_.now();
        return wait < time_point::max() - now ? now + wait : time_point::max();
    }

    /// An event that was given up before, or that is to wait behind one that was.
    std::optional<settlement> settle_unhandled(delivery_attempt& delivery, handler to, const kept_event& event) {
        if (auto refused = book_.take_refused(event, to.number)) return give_up(delivery, to, std::move(*refused));
        if (to.has_keys && options_.later_events == behind_dead::park &&
            book_.is_behind_letter(event, to.number, {to.queue, delivery.key()}))
            return give_up(delivery, to, death_by("an earlier event of its key is a dead letter", 0));
        if (delivery.number() <= options_.retry.max_attempts) return std::nullopt;
        return give_up(delivery, to,
                       death_by("its last attempt failed, and there was no memory to note why",
                                static_cast<int>(options_.retry.max_attempts)));
    }

    /// Without a text, if there is no memory for it.
    static letter_book::death death_by(const char* why, int attempts) noexcept {
        letter_book::death made{.attempts = attempts};
        TIDINGS_TRY { made.error = why; }
        TIDINGS_CATCH_ALL {}
        return made;
    }

    /// Throws std::bad_alloc.
    bool is_duplicate(const kept_event& event, std::size_t number, time_point now) {
        if (options_.guarantee != delivery_guarantee::effectively_once || book_.was_tried_and_sent(event, number))
            return false;
        const std::lock_guard lock{mutex_};
        return !known_.claim(id_for(event, number), now);
    }

    /// Of an event for one of the handlers: they do not take it from one another.
    static event_id id_for(const kept_event& event, std::size_t number) noexcept {
        return {event.id().high() ^ number * 0x9E37'79B9'7F4A'7C15U, event.id().low()};
    }

    // --- Failures: inside a catch block ----------------------------------------------------------------------------

    bool is_permanent() const noexcept {
#if TIDINGS_HAS_EXCEPTIONS
        try {
            throw;
        } catch (const permanent_failure&) {
            return true;
        } catch (...) {
            try {
                return options_.retry.permanent && options_.retry.permanent(std::current_exception());
            } catch (...) {
                return false;
            }
        }
#else
        return false;
#endif
    }

    /// Tells on_error of it, and returns its text.
    std::string tell(const delivery_attempt& delivery) const noexcept {
#if TIDINGS_HAS_EXCEPTIONS
        const context about = delivery.context();
        try {
            throw;
        } catch (const std::exception& thrown) {
            services_.report(handler_error{name_, about, &thrown});
            try {
                return thrown.what();
            } catch (...) {
                return {};  // no memory for it
            }
        } catch (...) {
            services_.report(handler_error{name_, about, static_cast<const std::exception*>(nullptr)});
        }
#endif
        return {};
    }

    TIDINGS_COLD settlement settle_failure(delivery_attempt& delivery, handler to, bool permanent) noexcept {
        std::string why = tell(delivery);
        const unsigned attempt = delivery.number();
        const retry_policy& retry = options_.retry;
        const bool once = options_.guarantee == delivery_guarantee::at_most_once;
        if (once || permanent || attempt >= retry.max_attempts)
            return give_up(delivery, to, {.error = std::move(why), .attempts = static_cast<int>(attempt)});
        retried_.fetch_add(1, std::memory_order_relaxed);
        return delivery.again_at(at(lengthened(retry.backoff.after(attempt), retry.jitter, services_.random())));
    }

    // --- The end of an event that was not handled ------------------------------------------------------------------

    settlement give_up(delivery_attempt& delivery, handler to, letter_book::death&& why) noexcept {
        const kept_event event = delivery.keep();
        if (letters() == nullptr || options_.guarantee == delivery_guarantee::at_most_once) {
            given_up_.fetch_add(1, std::memory_order_relaxed);
            book_.end_sent(event, to.number);
            // Nobody has it: who sends it again is to be heard.
            release(event, to.number);
            for (const kept_event& each : to.members) release(each, to.collected_by);
            return settlement::failed;
        }
        if (keep(delivery, to, event, why)) {
            dead_lettered_.fetch_add(1, std::memory_order_relaxed);
            return settlement::failed;
        }
        refused_.fetch_add(1, std::memory_order_relaxed);
        report(delivery, "it could not be kept as a dead letter, and waits");
        TIDINGS_TRY { book_.note_refused(event, to.number, std::move(why)); }
        TIDINGS_CATCH_ALL {}
        return delivery.again_at(at(std::max(options_.retry.backoff.longest, shortest_wait_for_room)));
    }

    bool keep(const delivery_attempt& delivery, handler to, const kept_event& event, letter_book::death& why) noexcept {
        // Before the next of its key is looked at, which waits until this one has been settled.
        const bool holds_up = to.has_keys && options_.later_events == behind_dead::park;
        const key_of_queue line{to.queue, delivery.key()};
        std::uint64_t order = 0;  // of a letter that holds up its key from here on
        TIDINGS_TRY {
            stored_letter made = letter_of(delivery, to, event, why);
            const std::uint64_t life = book_.continue_from(event, made);
            if (made.order == 0) made.order = letters()->next_order();
            const std::uint64_t place = made.order;
            if (holds_up && book_.add_letter(line, place)) order = place;
            if (letters()->keep(std::move(made))) {
                book_.end_life(event, to.number, life);
                return true;
            }
        }
        TIDINGS_CATCH_ALL {}
        if (order != 0) book_.remove_letter(line, order);
        return false;
    }

    /// Throws std::bad_alloc.
    stored_letter letter_of(const delivery_attempt& delivery, handler to, const kept_event& event,
                            const letter_book::death& why) {
        stored_letter made{.key = delivery.key(), .handler = to.number, .queue = to.queue, .from = weak_from_this()};
        dead_letter& letter = made.letter;
        letter.id = services_.next_id();
        letter.event_id = event.id();
        letter.consumer = name_;
        letter.event_type = event.type();
        letter.topic = event.topic();
        letter.key = event.key();
        letter.source = event.source();
        letter.headers.assign(event.headers().begin(), event.headers().end());
        letter.attempts = why.attempts;
        letter.error = why.error;
        letter.time = services_.system_now();
        letter.event = event;
        return made;
    }

    const std::string name_;
    consumer_options options_;
    const bus_services services_;
    gate gate_;
    letter_book book_;
    const bool is_plain_;  // there is nothing between the queue and the handler

    base::atomic<std::uint64_t> retried_{0};
    base::atomic<std::uint64_t> dead_lettered_{0};
    base::atomic<std::uint64_t> given_up_{0};
    base::atomic<std::uint64_t> refused_{0};
    base::atomic<std::uint64_t> duplicates_{0};
    base::atomic<std::uint64_t> overran_{0};

    mutable base::mutex mutex_;

    // Guarded by mutex_.
    recent_ids known_;
    std::vector<reserved> handlers_;
    std::vector<redelivering_queue> queues_;
    std::vector<std::shared_ptr<batch_collector_base>> collectors_;
};

}  // namespace tidings::consumer_detail
