/// What a thread can be about to do at a preemption point: for the history, the accounts and the trace hash.
#pragma once

#include <cstdint>
#include <string_view>

namespace tidings::simulation {

enum class operation : std::uint8_t {
    start,
    load,
    store,
    exchange,
    compare_exchange,
    modify,
    atomic_wait,
    atomic_notify,
    lock,
    try_lock,
    unlock,
    condition_wait,
    notify_one,
    notify_all,
    fence,
    yield,
    spawn,
    join,
    sleep,
    initialise,
    block,
    end,
};

constexpr std::string_view text(operation what) noexcept {
    switch (what) {
        case operation::start:
            return "start";
        case operation::load:
            return "load";
        case operation::store:
            return "store";
        case operation::exchange:
            return "exchange";
        case operation::compare_exchange:
            return "compare_exchange";
        case operation::modify:
            return "modify";
        case operation::atomic_wait:
            return "wait";
        case operation::atomic_notify:
            return "notify";
        case operation::lock:
            return "lock";
        case operation::try_lock:
            return "try_lock";
        case operation::unlock:
            return "unlock";
        case operation::condition_wait:
            return "wait";
        case operation::notify_one:
            return "notify_one";
        case operation::notify_all:
            return "notify_all";
        case operation::fence:
            return "fence";
        case operation::yield:
            return "yield";
        case operation::spawn:
            return "spawn";
        case operation::join:
            return "join";
        case operation::sleep:
            return "sleep";
        case operation::initialise:
            return "initialise";
        case operation::block:
            return "blocks";
        case operation::end:
            return "end";
    }
    return "?";
}

/// The kind of object that an operation is done to, or nothing where it is done to none.
constexpr std::string_view object_kind(operation what) noexcept {
    switch (what) {
        case operation::load:
        case operation::store:
        case operation::exchange:
        case operation::compare_exchange:
        case operation::modify:
        case operation::atomic_wait:
        case operation::atomic_notify:
            return "atomic";
        case operation::lock:
        case operation::try_lock:
        case operation::unlock:
            return "mutex";
        case operation::condition_wait:
        case operation::notify_one:
        case operation::notify_all:
            return "condition variable";
        case operation::initialise:
            return "static object";
        default:
            return {};
    }
}

}  // namespace tidings::simulation
