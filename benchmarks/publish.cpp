/// publish/<subject>/<handlers>: what it costs to tell a number of handlers, all of one type.
/// publish_differing/<subject>/<handlers>: the same, each of a type of its own.
#include <measure.hpp>
#include <register.hpp>
#include <subjects/all.hpp>
#include <tick.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace {

template <class Subject>
using kept = std::vector<decltype(std::declval<Subject&>().subscribe(add_to{}))>;

template <class Subject>
void publish_to(benchmark::State& state, Subject& subject, const std::vector<std::uint64_t>& counters) {
    const tick event;
    measure(state, [&] { subject.publish(event); });
    require_called(state, counters);
}

template <class Subject>
void publish(benchmark::State& state) {
    std::vector<std::uint64_t> counters(static_cast<std::size_t>(state.range(0)));
    Subject subject;
    kept<Subject> subscriptions;
    for (std::uint64_t& counter : counters) subscriptions.push_back(subject.subscribe(add_to{&counter}));
    publish_to(state, subject, counters);
}

template <std::size_t>
struct another_add_to : add_to {};

template <class Subject, std::size_t... N>
void publish_differing(benchmark::State& state, std::index_sequence<N...>) {
    std::vector<std::uint64_t> counters(sizeof...(N));
    Subject subject;
    kept<Subject> subscriptions;
    (subscriptions.push_back(subject.subscribe(another_add_to<N>{{&counters[N]}})), ...);
    publish_to(state, subject, counters);
}

}  // namespace

void register_publish() {
    for_each_subject<tick>([]<class Subject> {
        const std::string name = std::string{"publish/"} + Subject::name;
        auto* const added = benchmark::RegisterBenchmark(name.c_str(), publish<Subject>);
        for (const int handlers : {0, 1, 4, 16, 64}) added->Arg(handlers);
        const std::string differing = std::string{"publish_differing/"} + Subject::name + "/";
        const auto add = [&](auto handlers) {
            benchmark::RegisterBenchmark((differing + std::to_string(handlers.size())).c_str(),
                                         [handlers](benchmark::State& s) { publish_differing<Subject>(s, handlers); });
        };
        add(std::make_index_sequence<4>{});
        add(std::make_index_sequence<16>{});
        add(std::make_index_sequence<64>{});
    });
}
