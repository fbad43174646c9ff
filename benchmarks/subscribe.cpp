/// subscribe/<way>/<library>/<others>: one subscription made and ended.
#include <measure.hpp>
#include <register.hpp>
#include <subjects/all.hpp>
#include <tick.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

namespace {

/// A library with handlers that do nothing here but be there.
template <class Library>
struct populated {
    explicit populated(benchmark::State& state) : counters(static_cast<std::size_t>(state.range(0))) {
        for (std::uint64_t& counter : counters) others.push_back(library.subscribe(add_to{&counter}));
    }
    std::vector<std::uint64_t> counters;
    Library library;
    std::vector<decltype(library.subscribe(add_to{}))> others;
};

template <class Library>
void quiet(benchmark::State& state) {
    populated<Library> here{state};
    std::uint64_t counter = 0;
    measure(state, [&] { const auto subscription = here.library.subscribe(add_to{&counter}); });
}

/// The same where another thread has published: only then is there anybody against whom to run a barrier.
template <class Library>
void beside_a_publisher(benchmark::State& state) {
    populated<Library> here{state};
    const auto heard = here.library.subscribe([](const tick&) {});
    std::atomic<bool> published{false};
    std::atomic<bool> stop{false};
    std::thread publisher{[&] {
        here.library.publish(tick{});
        published = true;
        published.notify_one();
        stop.wait(false);
    }};
    published.wait(false);
    std::uint64_t counter = 0;
    measure(state, [&] { const auto subscription = here.library.subscribe(add_to{&counter}); });
    stop = true;
    stop.notify_one();
    publisher.join();
}

template <class Library>
void between_publishes(benchmark::State& state) {
    populated<Library> here{state};
    const tick event;
    std::uint64_t counter = 0;
    measure(state, [&] {
        {
            const auto subscription = here.library.subscribe(add_to{&counter});
            here.library.publish(event);
        }
        here.library.publish(event);
    });
    require_called(state, {&counter, 1});
}

template <class Library>
void while_another_publishes(benchmark::State& state) {
    struct alignas(256) own_line {
        std::uint64_t counter = 0;
    } elsewhere;
    populated<Library> here{state};
    const auto heard = here.library.subscribe(add_to{&elsewhere.counter});
    std::atomic<bool> stop{false};
    std::thread publisher{[&] {
        const tick event;
        while (!stop.load(std::memory_order_relaxed)) here.library.publish(event);
    }};
    own_line mine;
    measure(state, [&] { const auto subscription = here.library.subscribe(add_to{&mine.counter}); });
    stop = true;
    publisher.join();
}

template <class Library>
void add(const char* way, void (*run)(benchmark::State&), bool in_real_time = false) {
    const std::string name = std::string{"subscribe/"} + way + "/" + Library::name;
    auto* const added = benchmark::RegisterBenchmark(name.c_str(), run);
    added->Arg(0)->Arg(1000);
    if (in_real_time) added->UseRealTime();
}

}  // namespace

void register_subscribe() {
    for_each_library<tick>([]<class Library> {
        add<Library>("quiet", quiet<Library>);
        add<Library>("between_publishes", between_publishes<Library>);
        if constexpr (Library::stands_threads) add<Library>("beside_a_publisher", beside_a_publisher<Library>);
        if constexpr (Library::stands_threads)
            add<Library>("while_another_publishes", while_another_publishes<Library>, true);
    });
}
