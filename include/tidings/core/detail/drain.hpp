/// Waiting until nothing is under way on a bus.
#pragma once

#include <tidings/base/config.hpp>
#include <tidings/base/error.hpp>
#include <tidings/base/executor_scope.hpp>
#include <tidings/base/idle_hook.hpp>
#include <tidings/base/publisher.hpp>
#include <tidings/base/sync.hpp>
#include <tidings/base/wait_graph.hpp>
#include <tidings/base/wait_room.hpp>
#include <tidings/core/detail/bus_state.hpp>
#include <tidings/executor/executor.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
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

/// What a drain waits for.
struct under_way {
    std::vector<std::shared_ptr<executor_port>> executors;  ///< that empty the bus's queues
    std::vector<base::awaited> handlers;                    ///< whose queues are not idle
    std::shared_ptr<executor_port> busy;                    ///< of one of these queues, if others run its tasks

    explicit under_way(bus_state& bus) {
        bus.queued().for_each([&](queued_node& node) {
            const auto& port = node.queue->executor();
            if (port == nullptr) return;
            bool idle = true;
            node.queue->watch(node, idle);
            if (!idle) handlers.push_back({&node, &node.origin});
            bool known = false;
            for (const auto& each : executors) known = known || each == port;
            if (!known) executors.push_back(port);
            if (!idle && busy == nullptr && !port->helps_here()) busy = port;
        });
    }
};

/// Waits until the bus has become quiet, or other than it was, or until `deadline`.
inline void wait_for_quiet(bus_state& bus, std::uint64_t seen, const under_way& what, bool helps,
                           std::chrono::steady_clock::time_point deadline, bool for_ever) {
    if (!for_ever) {
        bus.quiet()->wait(seen, deadline);
        return;
    }
    const base::executor_mark busy = what.busy != nullptr ? what.busy->mark() : base::executor_mark{};
    std::optional<base::executor_scope> untold;  // that the thread is one of a user's executor
    if (what.busy != nullptr && what.busy->runs_here()) untold.emplace(busy.address);
    const base::entry_in_graph waiting{
        bus.home(),
        base::wait_until{
            base::thread_wait{.more_slots = &what.handlers, .any_of = busy, .who = bus.home().find(), .helps = helps},
            [&] { return bus.quiet()->changes() != seen; }}};
    if (!waiting.may_wait())
        TIDINGS_THROW(error{errc::would_deadlock, "tidings: drain() would wait for the calling thread"});
    bus.quiet()->wait(seen, deadline);
}

/// Returns whether it became quiet before `deadline`. See bus::drain().
inline bool drain(bus_state& bus, std::chrono::steady_clock::time_point deadline) {
    const base::publisher* const self = bus.home().find();
    if (self != nullptr && self->handling())
        TIDINGS_THROW(error{errc::would_deadlock, "tidings: drain() inside a handler"});
    for (bool again = false;; again = true) {
        const std::uint64_t seen = bus.quiet()->changes();
        const activity seen_here = look_twice(bus);
        if (seen_here == activity::quiet) return true;
        const under_way what{bus};
        bool helped = seen_here == activity::changing;
        bool helps = false;
        for (const auto& each : what.executors) {
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
        // Of several executors one may post to another that only this thread runs.
        const bool looks_again = helps || what.executors.size() > 1;
        const auto soon = looks_again ? now + std::chrono::milliseconds{1} : deadline;
        wait_for_quiet(bus, seen, what, helps, soon < deadline ? soon : deadline, deadline == base::idle_hook::never);
    }
}

}  // namespace tidings::detail
