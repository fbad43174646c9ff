/// Tasks that take messages from a work queue and hand them to a handler.
#pragma once

#include <tidings/base/attachment.hpp>
#include <tidings/base/barrier.hpp>
#include <tidings/base/config.hpp>
#include <tidings/base/domain.hpp>
#include <tidings/base/executor_scope.hpp>
#include <tidings/base/function.hpp>
#include <tidings/base/job.hpp>
#include <tidings/base/named_run.hpp>
#include <tidings/base/publisher.hpp>
#include <tidings/base/runnable.hpp>
#include <tidings/base/sync.hpp>
#include <tidings/executor/executor.hpp>
#include <tidings/executor/task.hpp>
#include <tidings/queue/detail/lease.hpp>
#include <tidings/queue/detail/message.hpp>
#include <tidings/queue/detail/state.hpp>
#include <tidings/queue/leased.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <deque>
#include <exception>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace tidings::work_queue_detail {

/// A worker is a task that is posted when a message is ready and nobody comes for it, and is over when none is left.
/// It names the crew in its thread's slot while it runs, all that it does to messages included: so the barrier that
/// ends the crew (base/barrier.hpp) waits for the settlement of what its handlers did.
class crew : public base::runnable, public crew_base, public std::enable_shared_from_this<crew> {
public:
    struct settings {
        unsigned workers;
        std::size_t prefetch;
        duration retry_delay;
    };

    worker* hire() noexcept final {
        if (free_ == nullptr) return nullptr;
        auto* const hired = static_cast<own_worker*>(free_);
        free_ = hired->next_free;
        hired->keeps = shared_from_this();
        return hired;
    }

    std::shared_ptr<crew_base> share() noexcept final { return shared_from_this(); }

    base::barrier_result stop() noexcept final {
        {
            work_queue_detail::state::visit inside{home_};
            if (!std::exchange(stopped, true)) {
                home_.remove(*this);
                for (own_worker& each : all_)
                    while (message* const m = each.fetched.pop_front()) home_.held().give_back(*m);
            }
        }
        const base::attachment here{domain_, std::nothrow};
        active.store(false, base::store_order);
        domain_.heavy_fence(here.get());
        return base::wait_until_ended(domain_, here.get(), *this);
    }

protected:
    /// Throws std::bad_alloc.
    crew(work_queue_detail::state& home, std::shared_ptr<tidings::detail::executor_port> at, const settings& how,
         end_function destroy)
        : runnable{destroy}, crew_base{std::move(at)}, home_{home}, how_{how} {
        for (unsigned n = 0; n != how_.workers; ++n) {
            own_worker& made = all_.emplace_back(&act_on, *this);
            made.next_free = std::exchange(free_, &made);
        }
    }

    ~crew() {
        if (has_begun_) home_.drop_reference();
    }

    /// What a handler made of a message.
    struct outcome {
        bool is_settled = false;  ///< by the handler, or it will be: the attempt's references are not ours any more
        bool failed = false;
        std::unique_ptr<failures> why{};
    };

    virtual outcome handle(const attempt& begun) noexcept = 0;

    work_queue_detail::state& home() const noexcept { return home_; }

public:
    /// From here on it takes messages. The queue's end, or stop(), has to follow.
    void begin() noexcept {
        active.store(true, std::memory_order_relaxed);
        work_queue_detail::state::visit inside{home_};
        home_.add(*this);
        has_begun_ = true;
    }

private:
    struct own_worker final : worker {
        using worker::worker;
        std::shared_ptr<crew> keeps;  ///< from when it is hired until it is dismissed
    };

    static void act_on(base::job& self, bool run) noexcept {
        auto& w = static_cast<own_worker&>(self);
        auto& mine = static_cast<crew&>(*w.home);
        if (run) mine.work(w);
        else mine.abandoned(w);
    }

    void work(own_worker& w) noexcept {
        const auto at = port;  // as soon as the worker is posted, the crew may be gone
        const base::executor_scope inside{at->mark().address};
        std::shared_ptr<crew> keeps;  // this, for what is left to do
        bool again = true;            // as when there is no memory for a slot: once more, later
        base::run_named(domain_, *this, [&](bool is_live) { again = run(w, is_live, keeps); });
        if (again) at->post(task{w});
    }

    /// Whether it is to be posted again.
    bool run(own_worker& w, bool is_live, std::shared_ptr<crew>& keeps) noexcept {
        std::size_t budget = port->batch();
        attempt current;
        outcome made;
        for (bool first = true;; first = false) {
            const time_point now = home_.now();
            message* over = nullptr;
            bool again = false;
            {
                work_queue_detail::state::visit inside{home_};
                if (first) --home_.coming;
                if (current.at != nullptr && !made.is_settled) {
                    over = current.at;
                    settle(current, made, now);
                }
                home_.held().look_at_time(now);
                current = {};
                if (is_live && !stopped && !port->is_ending()) {
                    if (budget == 0 && (!w.fetched.empty() || home_.held().ready() != 0)) {
                        ++home_.coming;
                        again = true;
                    } else if (budget != 0) {
                        current = next(w, now);
                    }
                }
                if (current.at == nullptr && !again) dismiss(w, keeps);
            }
            if (over != nullptr) over->release();
            if (current.at == nullptr) return again;
            --budget;
            made = handle(current);
        }
    }

    // --- Under the lock --------------------------------------------------------------------------------------------

    void settle(const attempt& done, outcome& made, time_point now) noexcept {
        if (contents::owns(*done.at, done.token)) {
            if (made.failed) home_.held().nack(*done.at, how_.retry_delay, made.why, now);
            else home_.held().ack(*done.at);
        }
        home_.release();
    }

    attempt next(own_worker& w, time_point now) noexcept {
        if (w.fetched.empty()) {
            // No more than its share: what it has, the others do not.
            const std::size_t share = home_.held().ready() / how_.workers;
            for (std::size_t n = std::clamp<std::size_t>(share, 1, how_.prefetch); n != 0; --n) {
                message* const m = home_.held().take(now);
                if (m == nullptr) break;
                m->fetched_in = &w.fetched;
                w.fetched.push_back(*m);
            }
        }
        message* const m = w.fetched.pop_front();
        return m != nullptr ? home_.begin(*m, now, false) : attempt{};
    }

    void dismiss(own_worker& w, std::shared_ptr<crew>& keeps) noexcept {
        while (message* const m = w.fetched.pop_front()) home_.held().give_back(*m);
        keeps = std::move(w.keeps);
        w.next_free = std::exchange(free_, &w);
    }

    /// The executor does not run it. What it had fetched others may get; it is hired again with the next message.
    void abandoned(own_worker& w) noexcept {
        std::shared_ptr<crew> keeps;
        {
            work_queue_detail::state::visit inside{home_};
            --home_.coming;
            dismiss(w, keeps);
        }
    }

    work_queue_detail::state& home_;  // referred to
    base::domain& domain_ = base::domain::here();
    const settings how_;
    std::deque<own_worker> all_;
    bool has_begun_ = false;
    worker* free_ = nullptr;  // guarded by the queue's lock
};

/// With its handler, which is destroyed at the barrier.
template <class T, class Handler>
class crew_of final : public crew {
public:
    template <class Source>
    crew_of(work_queue_detail::state& home, std::shared_ptr<tidings::detail::executor_port> at, const settings& how,
            Source&& source)
        : crew{home, std::move(at), how, &destroy}, handler_(std::forward<Source>(source)) {}
    ~crew_of() {}  // NOLINT(modernize-use-equals-default): of a union, that would be deleted

private:
    static void destroy(base::runnable& self) noexcept { static_cast<crew_of&>(self).handler_.~Handler(); }

    outcome handle(const attempt& begun) noexcept override {
        outcome made;
        leased<T> held{lease{home(), begun}};
#if TIDINGS_HAS_EXCEPTIONS
        try {
            call(held);
        } catch (const std::exception& e) {
            made.failed = true;
            made.why = failures::make(e.what());
        } catch (...) {
            made.failed = true;
            made.why = failures::make("an exception that does not derive from std::exception");
        }
#else
        call(held);
#endif
        made.is_settled = !held.lease().is_open();
        if (!made.is_settled) held.lease().leave_to_others();
        return made;
    }

    void call(leased<T>& held) {
        if constexpr (std::is_invocable_v<Handler&, const T&, leased<T>&>) base::invoke(handler_, held.value(), held);
        else base::invoke(handler_, held.value());
    }

    union {  // destroyed by destroy()
        Handler handler_;
    };
};

}  // namespace tidings::work_queue_detail
