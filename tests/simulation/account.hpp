/// Why a run did not complete, in words.
#pragma once

#include "simulation/history.hpp"
#include "simulation/simulated_thread.hpp"
#include "simulation/thread_table.hpp"

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

namespace tidings::simulation {

/// Who can end the wait of `t`, if that is one thread.
inline const thread_state* awaited_by(const simulated_thread& t) noexcept {
    if (t.state != simulated_thread::condition::blocked) return nullptr;
    if (t.waits.what == operation::join) return static_cast<const simulated_thread*>(t.waits.object);
    return t.waits.holder != nullptr ? *t.waits.holder : nullptr;
}

inline std::string wait_text(const simulated_thread& t, object_names& names) {
    std::ostringstream out;
    const thread_state* const awaited = awaited_by(t);
    switch (t.waits.what) {
        case operation::join:
            out << "waits for '" << awaited->name << "' to end";
            break;
        case operation::sleep:
            out << "sleeps";
            break;
        case operation::atomic_wait:
            out << "waits for " << names.of(t.waits.what, t.waits.object) << " to change";
            break;
        default:
            out << "waits for " << names.of(t.waits.what, t.waits.object);
            if (awaited != nullptr) out << ", held by '" << awaited->name << '\'';
    }
    if (t.waits.deadline != never) out << ", until its deadline";
    return out.str();
}

/// The first circle of threads of which each waits for the next, or nothing.
inline std::string circle_text(const thread_table::list& threads) {
    for (const auto& start : threads) {
        std::vector<const thread_state*> path;
        for (const thread_state* at = start.get(); at != nullptr;) {
            const auto seen = std::find(path.begin(), path.end(), at);
            if (seen != path.end()) {
                std::string text = "\n  circle: ";
                for (auto each = seen; each != path.end(); ++each) text += '\'' + (*each)->name + "' -> ";
                return text + '\'' + (*seen)->name + '\'';
            }
            path.push_back(at);
            const auto known =
                std::find_if(threads.begin(), threads.end(), [&](const auto& t) { return t.get() == at; });
            at = known != threads.end() ? awaited_by(**known) : nullptr;
        }
    }
    return {};
}

/// One line for each thread that has not ended, then the circle if there is one, then the last steps.
inline std::string account_text(const thread_table::list& threads, const history& past, object_names& names) {
    std::ostringstream out;
    for (const auto& t : threads) {
        if (t->state == simulated_thread::condition::ended) continue;
        out << "\n  '" << t->name << "' ";
        if (t->state == simulated_thread::condition::blocked) {
            out << wait_text(*t, names);
        } else {
            out << "can run; its last step: " << text(t->last);
            if (!object_kind(t->last).empty()) out << ' ' << names.of(t->last, t->last_object);
        }
    }
    out << circle_text(threads) << "\n  the last steps:" << past.text(names);
    return out.str();
}

}  // namespace tidings::simulation
