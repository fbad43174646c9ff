/// variant/<what>: publish to one handler, and what it costs to ask for more. For the record.
#include <measure.hpp>
#include <register.hpp>
#include <tick.hpp>
#include <tidings/tidings.hpp>

#include <cstdint>
#include <memory>
#include <stdexcept>

namespace {

struct unheard {};

struct outer {};

struct account {
    std::uint64_t balance = 0;
    void on_tick(const tick& e) { balance += e.amount; }
};

void nobody_listens(benchmark::State& state) {
    tidings::bus bus;
    measure(state, [&] { bus.publish(unheard{}); });
}

void nobody_listens_any_more(benchmark::State& state) {
    tidings::bus bus;
    bus.subscribe([](const tick&) {}).reset();
    const tick event;
    measure(state, [&] { bus.publish(event); });
}

void plain(benchmark::State& state) {
    tidings::bus bus;
    std::uint64_t sum = 0;
    const auto listening = bus.subscribe(add_to{&sum});
    const tick event;
    measure(state, [&] { bus.publish(event); });
}

void result_used(benchmark::State& state) {
    tidings::bus bus;
    std::uint64_t sum = 0;
    const auto listening = bus.subscribe(add_to{&sum});
    const tick event;
    measure(state, [&] { benchmark::DoNotOptimize(bus.publish(event)); });
}

void member_function(benchmark::State& state) {
    tidings::bus bus;
    account listener;
    const auto listening = bus.subscribe(&account::on_tick, &listener);
    const tick event;
    measure(state, [&] { bus.publish(event); });
}

void weak_listener(benchmark::State& state) {
    tidings::bus bus;
    const auto listener = std::make_shared<account>();
    const auto listening = bus.subscribe(&account::on_tick, std::weak_ptr{listener});
    const tick event;
    measure(state, [&] { bus.publish(event); });
}

void context_taken(benchmark::State& state) {
    tidings::bus bus;
    const auto listening =
        bus.subscribe([](const tick&, const tidings::context& c) { benchmark::DoNotOptimize(c.topic().data()); });
    const tick event;
    measure(state, [&] { bus.publish(event); });
}

void id_made(benchmark::State& state) {
    tidings::bus bus;
    const auto listening =
        bus.subscribe([](const tick&, const tidings::context& c) { benchmark::DoNotOptimize(c.id()); });
    const tick event;
    measure(state, [&] { bus.publish(event); });
}

void time_read(benchmark::State& state) {
    tidings::bus bus;
    const auto listening =
        bus.subscribe([](const tick&, const tidings::context& c) { benchmark::DoNotOptimize(c.time()); });
    const tick event;
    measure(state, [&] { bus.publish(event); });
}

void with_options(benchmark::State& state) {
    tidings::bus bus;
    std::uint64_t sum = 0;
    const auto listening = bus.subscribe(add_to{&sum});
    const tick event;
    measure(state, [&] { bus.publish(event, {.key = "k", .source = "benchmark"}); });
}

void with_a_header(benchmark::State& state) {
    tidings::bus bus;
    std::uint64_t sum = 0;
    const auto listening = bus.subscribe(add_to{&sum});
    const tick event;
    measure(state, [&] { bus.publish(event, {.headers = {{"request", "r-9"}}}); });
}

void nested(benchmark::State& state) {
    tidings::bus bus;
    std::uint64_t sum = 0;
    const auto inner = bus.subscribe(add_to{&sum});
    const auto around = bus.subscribe([&](const outer&) { bus.publish(tick{}); });
    measure(state, [&] { bus.publish(outer{}); });
}

void nested_id_made(benchmark::State& state) {
    tidings::bus bus;
    const auto inner =
        bus.subscribe([](const tick&, const tidings::context& c) { benchmark::DoNotOptimize(c.correlation_id()); });
    const auto around = bus.subscribe([&](const outer&) { bus.publish(tick{}); });
    measure(state, [&] { bus.publish(outer{}); });
}

template <bool passes>
void filtered(benchmark::State& state) {
    tidings::bus bus;
    std::uint64_t sum = 0;
    const auto listening =
        bus.subscribe(add_to{&sum}, tidings::sync.filter([](const tick& e) { return (e.amount != 0) == passes; }));
    const tick event;
    measure(state, [&] { bus.publish(event); });
}

void handler_throws(benchmark::State& state) {
    tidings::bus bus{{.on_error = [](const tidings::handler_error&) {}}};
    const auto listening = bus.subscribe([](const tick&) { throw std::runtime_error{"no route"}; });
    const tick event;
    measure(state, [&] { bus.publish(event); });
}

}  // namespace

void register_publish_variants() {
    benchmark::RegisterBenchmark("variant/plain", plain);
    benchmark::RegisterBenchmark("variant/result_used", result_used);
    benchmark::RegisterBenchmark("variant/nobody_listens", nobody_listens);
    benchmark::RegisterBenchmark("variant/nobody_listens_any_more", nobody_listens_any_more);
    benchmark::RegisterBenchmark("variant/member_function", member_function);
    benchmark::RegisterBenchmark("variant/weak_listener", weak_listener);
    benchmark::RegisterBenchmark("variant/filter_passes", filtered<true>);
    benchmark::RegisterBenchmark("variant/filter_declines", filtered<false>);
    benchmark::RegisterBenchmark("variant/context_taken", context_taken);
    benchmark::RegisterBenchmark("variant/id_made", id_made);
    benchmark::RegisterBenchmark("variant/time_read", time_read);
    benchmark::RegisterBenchmark("variant/with_options", with_options);
    benchmark::RegisterBenchmark("variant/with_a_header", with_a_header);
    benchmark::RegisterBenchmark("variant/nested", nested);
    benchmark::RegisterBenchmark("variant/nested_id_made", nested_id_made);
    benchmark::RegisterBenchmark("variant/handler_throws", handler_throws);
}
