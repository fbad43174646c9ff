/// Running something that others may end meanwhile.
#pragma once

#include <tidings/base/asymmetric_fence.hpp>
#include <tidings/base/attachment.hpp>
#include <tidings/base/barrier.hpp>
#include <tidings/base/config.hpp>
#include <tidings/base/domain.hpp>
#include <tidings/base/publisher.hpp>
#include <tidings/base/runnable.hpp>

#include <new>

namespace tidings::base {

/// Calls `body(active)` with `r` named in a slot of the calling thread, for whoever ends `r` to wait; ends it
/// afterwards if it was made inactive meanwhile, and this is the last thread in it. `active`: nobody has ended it yet.
/// False: there was no memory for a slot, and nothing was called. Calls user code: no lock may be held.
template <class Body>
bool run_named(domain& home, runnable& r, Body body) noexcept {
    const attachment here{home, std::nothrow};
    slot* frame = nullptr;
    if (here.get() != nullptr) {
        TIDINGS_TRY { frame = &(*here).next_slot(); }
        TIDINGS_CATCH_ALL {}
    }
    if (frame == nullptr) return false;
    const auto fence = [&] {
        if (home.asymmetric()) light_fence<true>();
        else light_fence<false>();
    };
    static constexpr table_base none;
    publisher& self = *here;
    frame->table.store(&none, store_order);
    self.open(*frame, &r);
    frame->tally.detached = 1;  // whoever runs it here did not cause what it publishes
    fence();                    // naming it, then looking at it: pairs with the heavy fence of who ends it
    body(r.active.load(load_order));
    frame->running.store(publisher::between(), store_order);
    fence();  // then looking again: whoever saw it in the slot waits for us
    if (!r.active.load(load_order)) left_inactive(self, r);
    frame->tally = {};
    self.close(*frame);
    return true;
}

}  // namespace tidings::base
