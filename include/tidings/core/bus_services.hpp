/// What a bus lends to the layers above it.
#pragma once

#include <tidings/core/bus.hpp>
#include <tidings/core/detail/bus_state.hpp>
#include <tidings/core/detail/time_source.hpp>
#include <tidings/core/event_id.hpp>
#include <tidings/core/handler_error.hpp>
#include <tidings/executor/clock.hpp>
#include <tidings/executor/executor.hpp>

#include <chrono>
#include <cstdint>
#include <utility>

namespace tidings {

/// A bus's clock, executor and on_error; they stay usable when the bus has ended. Thread-safe. Copying does not throw.
class bus_services {
public:
    explicit bus_services(bus& of) noexcept : state_{of.state_} { state_->retain(); }
    bus_services(const bus_services& other) noexcept : state_{other.state_} { state_->retain(); }
    bus_services& operator=(bus_services other) noexcept {
        std::swap(state_, other.state_);
        return *this;
    }
    ~bus_services() { state_->release(); }

    std::chrono::steady_clock::time_point now() const noexcept { return detail::time_source::now(times()); }
    std::chrono::system_clock::time_point system_now() const noexcept {
        return detail::time_source::system_now(times());
    }

    /// Of the clock's seed, if it has one.
    std::uint64_t random() const noexcept { return clock().random(); }
    event_id next_id() const noexcept { return detail::time_source::next_id(times()); }

    detail::clock_port& clock() const noexcept { return detail::time_source::clock(times()); }

    /// Starts the shared pool if it is that.
    executor_ref executor() const { return state_->executor(); }

    void report(const handler_error& failure) const noexcept { state_->errors().report(failure); }

private:
    const detail::time_source* times() const noexcept { return state_->times().get(); }

    detail::bus_state* state_;  // counted
};

}  // namespace tidings
