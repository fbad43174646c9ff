/// topics/typed/<handlers>: publishing to handlers of the event's type. topics/seen/<handlers>: to as many that fit the
/// event's topic, beside ten thousand patterns that do not; topics/unseen/<handlers>: a topic that is new each time.
#include <measure.hpp>
#include <register.hpp>
#include <tick.hpp>
#include <tidings/tidings.hpp>
#include <tidings/topic/topic.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace {

class crowd {
public:
    explicit crowd(std::size_t handlers) : counters_(handlers) {}

    void subscribe_typed() {
        for (std::uint64_t& counter : counters_) subscriptions_.push_back(bus.subscribe(add_to{&counter}));
    }
    void subscribe_to_topics() {
        for (std::size_t n = 0; n < 10'000; ++n)
            subscriptions_.push_back(bus.subscribe(tidings::topic{"region." + std::to_string(n) + ".#.late"},
                                                   [](const tidings::any_event&) {}));
        for (std::uint64_t& counter : counters_)
            subscriptions_.push_back(bus.subscribe(tidings::topic{"order.#"}, add_to{&counter}));
    }
    const std::vector<std::uint64_t>& counters() const { return counters_; }

    tidings::bus bus;

private:
    std::vector<std::uint64_t> counters_;
    std::vector<tidings::subscription> subscriptions_;
};

void typed(benchmark::State& state) {
    crowd all{static_cast<std::size_t>(state.range(0))};
    all.subscribe_typed();
    const tick event;
    measure(state, [&] { all.bus.publish(event); });
    require_called(state, all.counters());
}

void seen(benchmark::State& state) {
    crowd all{static_cast<std::size_t>(state.range(0))};
    all.subscribe_to_topics();
    const tick event;
    const tidings::publish_options options{.topic = "order.placed.express"};
    measure(state, [&] { all.bus.publish(event, options); });
    require_called(state, all.counters());
}

void unseen(benchmark::State& state) {
    crowd all{static_cast<std::size_t>(state.range(0))};
    all.subscribe_to_topics();
    const tick event;
    std::uint64_t n = 0;
    measure(state, [&] {
        const std::string name = "order.placed." + std::to_string(++n);
        all.bus.publish(event, {.topic = name});
    });
    require_called(state, all.counters());
}

}  // namespace

void register_topics() {
    for (const int handlers : {1, 10, 64}) {
        benchmark::RegisterBenchmark("topics/typed", typed)->Arg(handlers);
        benchmark::RegisterBenchmark("topics/seen", seen)->Arg(handlers);
        benchmark::RegisterBenchmark("topics/unseen", unseen)->Arg(handlers);
    }
}
