/// An event that is published later.
#pragma once

#include <tidings/base/attachment.hpp>
#include <tidings/base/barrier.hpp>
#include <tidings/base/config.hpp>
#include <tidings/base/executor_scope.hpp>
#include <tidings/base/job.hpp>
#include <tidings/base/named_run.hpp>
#include <tidings/base/runnable.hpp>
#include <tidings/base/sync.hpp>
#include <tidings/core/detail/bus_state.hpp>
#include <tidings/core/detail/envelope.hpp>
#include <tidings/core/detail/time_source.hpp>
#include <tidings/core/detail/timer_list.hpp>
#include <tidings/core/event.hpp>
#include <tidings/core/handler_error.hpp>
#include <tidings/core/lineage.hpp>
#include <tidings/core/publish.hpp>
#include <tidings/executor/clock.hpp>
#include <tidings/executor/executor.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

namespace tidings::detail {

/// Its alarm rings on a thread of the clock, which posts it to the executor, which publishes the event. While that goes
/// on, a thread's slot names it: so that cancel() is a barrier, as a subscription's reset() is.
class timer_node : public base::runnable, public alarm, public base::job, public timer_list::link {
public:
    using time_point = std::chrono::steady_clock::time_point;
    using fire_function = void (*)(timer_node&, const publish_options&) noexcept;

    /// Rings at `at`, and then each `period` unless that is zero. Throws std::bad_alloc and tidings::error.
    void start(time_point at) {
        retain();  // for the alarm, or the task that it becomes
        next_ = at;
        TIDINGS_TRY { clock().call_at(*this, at); }
        TIDINGS_CATCH_ALL {
            release();
            TIDINGS_RETHROW;
        }
        // Against cancel(): either it found the alarm, or it had made us inactive before the clock's lock was taken.
        if (!active.load(base::load_order) && clock().cancel(*this)) release();
    }

    /// Calls user code: the destructor of the event.
    base::barrier_result cancel() noexcept {
        if (state.load(std::memory_order_acquire) == progress::ended) return base::barrier_result::ended;
        base::domain& home = bus_->home();
        const base::attachment here{home, std::nothrow};
        active.store(false, base::store_order);
        if (clock().cancel(*this)) release();
        home.heavy_fence(here.get());
        const auto result = base::wait_until_ended(home, here.get(), *this);
        bus_->timers().remove(*this);
        if (result == base::barrier_result::would_deadlock)
            report("cancel() returned while the event is published on a thread that waits for this one");
        return result;
    }

    void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
    /// False: it is being freed.
    bool try_retain() noexcept {
        std::uint32_t count = references_.load(std::memory_order_relaxed);
        while (count != 0)
            if (references_.compare_exchange_weak(count, count + 1, std::memory_order_relaxed)) return true;
        return false;
    }

    void release() noexcept {
        if (references_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
        bus_->timers().remove(*this);
        free_(this);
    }

protected:
    timer_node(end_function destroy, void (*free)(timer_node*) noexcept, fire_function fire,
               std::string_view event_type, bus_state& bus, std::chrono::steady_clock::duration period,
               kept_options::owner said)
        : runnable{destroy},
          alarm{&ring_on_clock},
          job{&act_on},
          free_{free},
          fire_{fire},
          event_type_{event_type},
          bus_{&bus},
          executor_{bus.executor().port()},
          period_{period},
          said_{std::move(said)} {
        bus.retain();
        active.store(true, std::memory_order_relaxed);
    }
    ~timer_node() { bus_->release(); }  // also where making the event throws

public:
    /// What caused it: the event whose handler set the timer, unless something else was said.
    lineage from{};

    bus_state& bus() const noexcept { return *bus_; }

    /// To on_error.
    void report(const char* why) const noexcept { bus_->errors().report(handler_error{"a timer", event_type_, why}); }

private:
    clock_port& clock() const noexcept { return time_source::clock(bus_->times().get()); }

    static void ring_on_clock(alarm& self) noexcept {
        auto& mine = static_cast<timer_node&>(self);
        mine.executor_->post(task{static_cast<base::job&>(mine)});
    }

    static void act_on(base::job& self, bool run) noexcept {
        auto& mine = static_cast<timer_node&>(self);
        if (run) {
            mine.work();
        } else {
            mine.active.store(false, base::store_order);
            mine.bus_->home().heavy_fence(mine.bus_->home().find());
            base::end_if_unheld(mine.bus_->home(), mine.bus_->home().find(), mine);
        }
        mine.release();
    }

    void work() noexcept {
        const base::executor_scope inside{executor_->mark().address};
        const bool ran = base::run_named(bus_->home(), *this, [this](bool is_active) {
            if (!is_active) return;
            if (said_ == nullptr) {
                fire_(*this, {.correlation_id = from.correlation_id, .causation_id = from.causation_id});
            } else {
                said_->options.correlation_id = from.correlation_id;
                said_->options.causation_id = from.causation_id;
                fire_(*this, said_->options);
            }
            if (period_ == std::chrono::steady_clock::duration::zero()) active.store(false, base::store_order);
            else ring_again();
        });
        if (ran) return;
        retain();
        executor_->post(task{static_cast<base::job&>(*this)});  // no memory for a slot: once more, later
    }

    /// At the next multiple of the period that is not past.
    void ring_again() noexcept {
        if (!active.load(base::load_order)) return;
        const time_point now = clock().now();
        next_ = later(next_, period_);
        if (next_ <= now) next_ += (now - next_) / period_ * period_ + period_;
        TIDINGS_TRY { start(next_); }
        TIDINGS_CATCH_ALL {
            active.store(false, base::store_order);
            report("it ends: there is no memory to set it again");
        }
    }

    void (*const free_)(timer_node*) noexcept;
    const fire_function fire_;
    const std::string_view event_type_;
    bus_state* const bus_;  // counted
    const std::shared_ptr<executor_port> executor_;
    const std::chrono::steady_clock::duration period_;
    const kept_options::owner said_;  // null: nothing but what caused it
    time_point next_{};
    base::atomic<std::uint32_t> references_{1};
};

/// Ends all timers of a bus, as cancel() does, and lets there be no more.
inline void end_timers(bus_state& bus) noexcept {
    bus.timers().stop();
    const auto keep = [](timer_list::link& each) { return static_cast<timer_node&>(each).try_retain(); };
    while (timer_list::link* const each = bus.timers().take(keep)) {
        auto& node = static_cast<timer_node&>(*each);
        node.cancel();
        node.release();
    }
}

/// With its event, which is destroyed at the barrier.
template <class E, class Publish>
class stored_timer final : public timer_node {
public:
    template <class Source>
    stored_timer(bus_state& bus, std::chrono::steady_clock::duration period, kept_options::owner said, Source&& source)
        : timer_node{&destroy, &free, &fire, event_name<E>(), bus, period, std::move(said)},
          event_(std::forward<Source>(source)) {}

private:
    static void destroy(base::runnable& self) noexcept { static_cast<stored_timer&>(self).event_.~E(); }
    static void free(timer_node* self) noexcept { delete static_cast<stored_timer*>(self); }
    static void fire(timer_node& self, const publish_options& options) noexcept {
        TIDINGS_TRY { Publish{}(self.bus(), static_cast<stored_timer&>(self).event_, options); }
        TIDINGS_CATCH_ALL {
            self.report("the event was not published: moving it threw, its topic is malformed, or there was no memory");
        }
    }
    ~stored_timer() {}  // NOLINT(modernize-use-equals-default): of a union, that would be deleted

    union {  // destroyed by destroy()
        E event_;
    };
};

}  // namespace tidings::detail
