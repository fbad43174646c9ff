/// The time of a simulation. It stands still while threads run, and jumps to the next deadline when none can.
#pragma once

#include "simulation/scheduler.hpp"

#include <chrono>
#include <type_traits>

namespace tidings::base {

/// Its time points are std::chrono::steady_clock's, so that they fit interfaces that name that clock.
struct steady_clock {
    using duration = std::chrono::nanoseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = simulation::time_point;
    static constexpr bool is_steady = true;

    static time_point now() noexcept {
        const auto* const running = simulation::scheduler::current();
        return running != nullptr ? running->now() : simulation::outside_now;
    }
};

}  // namespace tidings::base

namespace tidings::simulation {

/// In nanoseconds, or the most there are where that is too few.
template <class Rep, class Period>
std::chrono::nanoseconds saturated(const std::chrono::duration<Rep, Period>& duration) {
    using seconds = std::chrono::duration<double>;
    if (seconds{duration} >= seconds{std::chrono::nanoseconds::max()}) return std::chrono::nanoseconds::max();
    return std::chrono::ceil<std::chrono::nanoseconds>(duration);
}

/// When `duration` from now is.
template <class Rep, class Period>
time_point after(const std::chrono::duration<Rep, Period>& duration) {
    const time_point now = base::steady_clock::now();
    const std::chrono::nanoseconds wait = saturated(duration);
    return wait >= never - now ? never : now + wait;
}

/// `due` on the clock of the simulation.
template <class Clock, class Duration>
time_point on_simulated_clock(const std::chrono::time_point<Clock, Duration>& due) {
    static_assert(std::is_same_v<Clock, std::chrono::steady_clock> || std::is_same_v<Clock, base::steady_clock>,
                  "any other clock shows real time, and no schedule with it would replay");
    return time_point{saturated(due.time_since_epoch())};
}

}  // namespace tidings::simulation
