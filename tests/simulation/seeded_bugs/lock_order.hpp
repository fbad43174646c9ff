/// Two locks, taken in the order in which the arguments come.
#pragma once

#include "simulation/seeded_bugs/version.hpp"
#include "simulation/sync.hpp"

#include <functional>
#include <mutex>

namespace tidings::simulation::seeded_bugs {

struct account {
    base::mutex mutex;
    int balance = 100;
};

template <version v>
void transfer(account& from, account& to, int amount) {
    const bool swapped = v == version::fixed && std::less<>{}(&to, &from);
    std::lock_guard outer{swapped ? to.mutex : from.mutex};
    std::lock_guard inner{swapped ? from.mutex : to.mutex};
    from.balance -= amount;
    to.balance += amount;
}

template <version v>
void lock_order(scheduler& run) {
    account savings;
    account checking;
    run.name(&savings.mutex, "savings");
    run.name(&checking.mutex, "checking");
    run.spawn("saver", [&] { transfer<v>(checking, savings, 10); });
    run.spawn("spender", [&] { transfer<v>(savings, checking, 20); });
    run.join_all();
    require(savings.balance == 90 && checking.balance == 110, "money is lost");
}

}  // namespace tidings::simulation::seeded_bugs
