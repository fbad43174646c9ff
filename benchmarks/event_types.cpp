/// event_types/1 and event_types/100: publishing to one handler each, of one type or of many in turn.
#include <measure.hpp>
#include <register.hpp>
#include <tidings/tidings.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace {

template <std::size_t>
struct numbered {
    std::uint64_t amount = 1;
};

constexpr std::size_t most_types = 100;

template <std::size_t... N>
void in_turn(benchmark::State& state, std::index_sequence<N...>) {
    tidings::bus bus;
    std::array<std::uint64_t, sizeof...(N)> counters{};
    std::vector<tidings::subscription> subscriptions;
    const auto subscribe = [&]<std::size_t Type>() {
        subscriptions.push_back(
            bus.subscribe([counter = &counters[Type]](const numbered<Type>& e) { *counter += e.amount; }));
    };
    (subscribe.template operator()<N>(), ...);
    measure(state, [&] { (bus.publish(numbered<N>{}), ...); });
    require_called(state, counters);
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(sizeof...(N)));
}

void one_type(benchmark::State& state) { in_turn(state, std::make_index_sequence<1>{}); }
void many_types(benchmark::State& state) { in_turn(state, std::make_index_sequence<most_types>{}); }

}  // namespace

void register_event_types() {
    benchmark::RegisterBenchmark("event_types/1", one_type);
    benchmark::RegisterBenchmark("event_types/100", many_types);
}
