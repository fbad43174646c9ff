/// Which thread goes on: the strategy, and all the randomness of a run.
#pragma once

#include "simulation/options.hpp"
#include "simulation/random.hpp"
#include "simulation/simulated_thread.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace tidings::simulation {

class chooser {
public:
    /// `chosen` names a strategy, not strategy::alternate, and a number of steps.
    explicit chooser(const options& chosen) : random_{chosen.seed}, strategy_{chosen.strategy} {
        if (strategy_ != strategy::pct) return;
        for (std::uint32_t i = 1; i < chosen.depth; ++i) change_at_.push_back(1 + random_.below(chosen.expected_steps));
        std::sort(change_at_.begin(), change_at_.end(), std::greater<>{});
    }

    simulation::random& random() noexcept { return random_; }
    bool cooperative() const noexcept { return strategy_ == strategy::cooperative; }

    void welcome(simulated_thread& born) noexcept {
        // Random priorities are positive, lowered ones negative; equal ones are as good as any.
        born.priority = 1 + static_cast<std::int64_t>(random_.below(std::uint64_t{1} << 32));
    }

    /// At a preemption point: `current` is able, and among `able`.
    simulated_thread& after_step(const std::vector<simulated_thread*>& able, simulated_thread& current) noexcept {
        switch (strategy_) {
            case strategy::uniform:
                return any(able);
            case strategy::pct:
                return highest(able, current);
            default:
                return current;
        }
    }

    /// `current` spins for what another thread has to do: under PCT it would otherwise spin for ever.
    simulated_thread& after_yield(const std::vector<simulated_thread*>& able, simulated_thread& current) noexcept {
        if (able.size() == 1) return current;
        lower(current);
        switch (strategy_) {
            case strategy::uniform:
                return any_but(able, current);
            case strategy::pct:
                return highest(able, current);
            default:
                return next(able, current);
        }
    }

    /// `current` cannot go on.
    simulated_thread& after_block(const std::vector<simulated_thread*>& able, simulated_thread& current) noexcept {
        switch (strategy_) {
            case strategy::uniform:
                return any(able);
            case strategy::pct:
                return highest(able, current);
            default:
                return next(able, current);
        }
    }

    /// Of `count` that wait for the same thing and of which one gets it; in the order of their numbers.
    std::size_t waiter(std::size_t count) noexcept {
        return cooperative() || count == 1 ? 0 : static_cast<std::size_t>(random_.below(count));
    }

private:
    /// A loop that spins without yielding would starve the others for ever under PCT, too.
    static constexpr std::uint32_t patience = 1'000;

    simulated_thread& any(const std::vector<simulated_thread*>& able) noexcept {
        return *able[able.size() == 1 ? 0 : static_cast<std::size_t>(random_.below(able.size()))];
    }

    simulated_thread& any_but(const std::vector<simulated_thread*>& able, const simulated_thread& current) noexcept {
        const auto picked = static_cast<std::size_t>(random_.below(able.size() - 1));
        return *able[able[picked] == &current ? able.size() - 1 : picked];
    }

    simulated_thread& highest(const std::vector<simulated_thread*>& able, simulated_thread& current) noexcept {
        ++step_;
        while (!change_at_.empty() && change_at_.back() <= step_) {
            change_at_.pop_back();
            lower(current);
        }
        if (streak_ >= patience) lower(current);
        const auto best = std::max_element(able.begin(), able.end(),
                                           [](const auto* a, const auto* b) { return a->priority < b->priority; });
        streak_ = *best == &current && able.size() > 1 ? streak_ + 1 : 0;
        return **best;
    }

    /// Round robin, by number.
    static simulated_thread& next(const std::vector<simulated_thread*>& able, const simulated_thread& current) {
        const auto after = [&](const simulated_thread* t) { return t->id.number() - current.id.number() - 1; };
        return **std::min_element(able.begin(), able.end(),
                                  [&](const auto* a, const auto* b) { return after(a) < after(b); });
    }

    void lower(simulated_thread& t) noexcept {
        t.priority = --lowest_;
        streak_ = 0;
    }

    simulation::random random_;
    const strategy strategy_;
    std::vector<std::uint64_t> change_at_;  // the next one last
    std::uint64_t step_ = 0;
    std::int64_t lowest_ = 0;
    std::uint32_t streak_ = 0;  // steps that one thread took while others were able
};

}  // namespace tidings::simulation
