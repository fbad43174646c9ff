/// publish/<subject>/<handlers>: what it costs to tell a number of handlers.
#include <measure.hpp>
#include <register.hpp>
#include <subjects/all.hpp>
#include <tick.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace {

template <class Subject>
void publish(benchmark::State& state) {
    std::vector<std::uint64_t> counters(static_cast<std::size_t>(state.range(0)));
    Subject subject;
    std::vector<decltype(subject.subscribe(add_to{}))> subscriptions;
    for (std::uint64_t& counter : counters) subscriptions.push_back(subject.subscribe(add_to{&counter}));
    const tick event;
    measure(state, [&] { subject.publish(event); });
    require_called(state, counters);
}

}  // namespace

void register_publish() {
    for_each_subject<tick>([]<class Subject> {
        const std::string name = std::string{"publish/"} + Subject::name;
        auto* const added = benchmark::RegisterBenchmark(name.c_str(), publish<Subject>);
        for (const int handlers : {0, 1, 4, 16, 64}) added->Arg(handlers);
    });
}
