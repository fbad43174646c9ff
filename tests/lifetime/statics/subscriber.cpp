#include "world.hpp"

namespace {

/// Not through world(): a subscription may outlive its bus, and this one may be destroyed after it.
struct subscriber {
    tidings::subscription at_once = world().subscribe([](const tick&) { ++heard; });
    tidings::subscription queued = world().subscribe([](const tick&) { ++heard; }, tidings::async);
    tidings::timer later = world().publish_after(std::chrono::hours{1}, tick{});
};

const subscriber before_main;

}  // namespace

const void* subscriber_is_linked() { return &before_main; }
