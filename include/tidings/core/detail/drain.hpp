/// Waiting until nothing is under way on a bus.
#pragma once

#include <tidings/base/config.hpp>
#include <tidings/base/error.hpp>
#include <tidings/base/idle_hook.hpp>
#include <tidings/base/publisher.hpp>
#include <tidings/base/sync.hpp>
#include <tidings/core/detail/bus_state.hpp>
#include <tidings/executor/executor.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

namespace tidings::detail {

/// Whether every event that the queues of a bus have accepted has ended, at one moment during the call.
///
/// Two looks at all queues that find them idle, with no event accepted in between, prove it: what is under way in one
/// is seen there, and what it publishes is accepted before it ends (F. Mattern, "Algorithms for distributed termination
/// detection", 1987).
enum class activity { quiet, changing, busy };

/// Busy: somebody will tell quiet_signal when that changes. Changing: nobody may, one has to look again.
inline activity look_twice(bus_state& bus) {
    bool idle = true;
    const auto look = [&] {
        return bus.queued().count_accepted([&](queued_node& node) { return node.queue->watch(node, idle); });
    };
    const std::uint64_t before = look();
    if (!idle) return activity::busy;
    const std::uint64_t after = look();
    if (!idle) return activity::busy;
    return after == before ? activity::quiet : activity::changing;
}

inline bool is_quiet(bus_state& bus) { return look_twice(bus) == activity::quiet; }

/// The executors that empty the bus's queues.
inline std::vector<std::shared_ptr<executor_port>> executors_of(bus_state& bus) {
    std::vector<std::shared_ptr<executor_port>> all;
    bus.queued().for_each([&](queued_node& node) {
        const auto& port = node.queue->executor();
        if (port == nullptr) return;
        for (const auto& known : all)
            if (known == port) return;
        all.push_back(port);
    });
    return all;
}

/// Returns whether it became quiet before `deadline`. See bus::drain().
inline bool drain(bus_state& bus, std::chrono::steady_clock::time_point deadline) {
    const base::publisher* const self = bus.home().find();
    if (self != nullptr && self->publishing())
        TIDINGS_THROW(error{errc::would_deadlock, "tidings: drain() inside a handler"});
    for (bool again = false;; again = true) {
        const std::uint64_t seen = bus.quiet()->changes();
        const activity seen_here = look_twice(bus);
        if (seen_here == activity::quiet) return true;
        const auto executors = executors_of(bus);
        for (const auto& each : executors)
            if (each->width() == 1 && each->runs_here())
                TIDINGS_THROW(
                    error{errc::would_deadlock, "tidings: drain() in a task of the one thread that it waits for"});
        bool helped = seen_here == activity::changing;
        bool helps = executors.size() > 1;  // of several one may post to another that only this thread runs
        for (const auto& each : executors) {
            helped = each->help() || helped;
            helps = helps || each->helps_here();
        }
        const auto now = time_source::now(bus.times().get());
        if (now >= deadline) return is_quiet(bus);
        if (helped) continue;
        if (base::idle_hook* const hook = base::idle_hook::here()) {
            if (!hook->go_on(deadline, again)) return is_quiet(bus);
            continue;
        }
        const auto soon = helps ? now + std::chrono::milliseconds{1} : deadline;
        bus.quiet()->wait(seen, soon < deadline ? soon : deadline);
    }
}

}  // namespace tidings::detail
