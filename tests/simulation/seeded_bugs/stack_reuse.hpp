/// A lock-free stack whose nodes come back: the head is the node it was, with another one below (ABA).
#pragma once

#include "simulation/seeded_bugs/version.hpp"
#include "simulation/sync.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace tidings::simulation::seeded_bugs {

/// Treiber's, over the numbers of nodes. The fixed one counts the changes of its head.
template <version v>
class node_stack {
public:
    static constexpr std::int32_t none = -1;

    void push(std::int32_t node) {
        head before = head_.load();
        do {
            next(node).store(before.top);
        } while (!head_.compare_exchange_weak(before, before.with(node)));
    }

    std::int32_t pop() {
        head before = head_.load();
        do {
            if (before.top == none) return none;
        } while (!head_.compare_exchange_weak(before, before.with(next(before.top).load())));
        return before.top;
    }

private:
    struct head {
        std::int32_t top = none;
        std::uint32_t changes = 0;

        head with(std::int32_t node) const { return {node, v == version::fixed ? changes + 1 : 0}; }
    };

    base::atomic<std::int32_t>& next(std::int32_t node) { return next_[static_cast<std::size_t>(node)]; }

    std::array<base::atomic<std::int32_t>, 3> next_;
    base::atomic<head> head_{head{}};
};

template <version v>
void stack_reuse(scheduler& run) {
    node_stack<v> stack;
    for (const std::int32_t node : {2, 1, 0}) stack.push(node);
    std::array<bool, 3> owned{};
    const auto pop = [&] {
        const std::int32_t node = stack.pop();
        if (node == node_stack<v>::none) return node;
        bool& mine = owned[static_cast<std::size_t>(node)];
        require(!mine, "a node is popped that somebody owns");
        mine = true;
        return node;
    };
    run.spawn("keeper", [&] {
        pop();
        pop();
    });
    run.spawn("returner", [&] {
        const std::int32_t node = pop();
        pop();
        if (node == node_stack<v>::none) return;
        owned[static_cast<std::size_t>(node)] = false;
        stack.push(node);
    });
    run.join_all();
}

}  // namespace tidings::simulation::seeded_bugs
