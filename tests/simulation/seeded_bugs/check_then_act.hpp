/// Two atomics, each looked at before the other is set: both sides find the way clear.
#pragma once

#include "simulation/seeded_bugs/version.hpp"
#include "simulation/sync.hpp"

namespace tidings::simulation::seeded_bugs {

/// Admits readers, or one writer, and turns away who comes at the wrong time.
template <version v>
class gate {
public:
    bool try_read() {
        if (v == version::broken) {
            if (writing_.load()) return false;
            reading_.fetch_add(1);
            return true;
        }
        reading_.fetch_add(1);  // announced first: of two that meet, at least one sees the other
        if (!writing_.load()) return true;
        reading_.fetch_sub(1);
        return false;
    }
    void end_read() { reading_.fetch_sub(1); }

    bool try_write() {
        if (v == version::broken) {
            if (reading_.load() != 0) return false;
            writing_.store(true);
            return true;
        }
        writing_.store(true);
        if (reading_.load() == 0) return true;
        writing_.store(false);
        return false;
    }
    void end_write() { writing_.store(false); }

private:
    base::atomic<int> reading_{0};
    base::atomic<bool> writing_{false};
};

template <version v>
void check_then_act(scheduler& run) {
    gate<v> way;
    int inside = 0;
    run.spawn("reader", [&] {
        if (!way.try_read()) return;
        require(++inside == 1, "a reader meets the writer");
        base::preemption_point();
        --inside;
        way.end_read();
    });
    run.spawn("writer", [&] {
        if (!way.try_write()) return;
        require(++inside == 1, "the writer meets a reader");
        base::preemption_point();
        --inside;
        way.end_write();
    });
    run.join_all();
}

}  // namespace tidings::simulation::seeded_bugs
