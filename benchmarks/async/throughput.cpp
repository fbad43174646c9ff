/// throughput/<subject>/<producers>: an event from a producer to the end of its handler, queues empty before and after.
#include <async/cargo.hpp>
#include <async/producers.hpp>
#include <async/stopwatch.hpp>
#include <async/subjects/consumed_queue.hpp>
#include <async/subjects/consumer_group.hpp>
#include <async/subjects/keyed_subscription.hpp>
#include <async/subjects/locked_deque.hpp>
#include <async/subjects/subscriptions.hpp>
#include <async/suite.hpp>

#if defined(TIDINGS_HAVE_MOODYCAMEL)
#include <async/subjects/moodycamel_queue.hpp>
#endif
#if defined(TIDINGS_HAVE_TBB)
#include <async/subjects/tbb_queue.hpp>
#endif

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

namespace {

constexpr std::uint64_t warm_up = 200'000;
constexpr std::uint64_t measured = 2'000'000;
constexpr unsigned repetitions = 5;

/// Returns how often the producers allocated.
template <class Subject>
std::uint64_t send(Subject& subject, producers& by, std::uint64_t events) {
    const std::uint64_t before = subject.sum();
    subject.expect(events);
    const std::uint64_t allocations = by.run([&](std::size_t producer) {
        for (std::uint64_t n = producer; n < events; n += by.count()) subject.push(cargo_number(n));
    });
    subject.finish();
    if (subject.sum() - before != events * (events - 1) / 2 * Subject::copies)
        throw std::runtime_error{"an event was lost, or came twice"};
    return allocations;
}

template <class Subject>
void throughput(samples& to, const std::string& name, std::size_t producer_count) {
    Subject subject;
    producers by{producer_count};
    send(subject, by, warm_up);
    const std::uint64_t before = subject.allocations();
    const stopwatch watch;
    const std::uint64_t on_producers = send(subject, by, measured);
    const double taken = watch.nanoseconds();
    const std::uint64_t on_consumers = subject.allocations() - before;
    constexpr auto events = static_cast<double>(measured);
    to.push_back({name, taken / events, static_cast<double>(on_producers + on_consumers) / events});
}

template <class Subject>
void add(suite& to, const std::string& subject, std::size_t producer_count) {
    const std::string name = "throughput/" + subject + "/" + std::to_string(producer_count);
    to.push_back({name, repetitions, measurement::place::here,
                  [=](samples& into) { throughput<Subject>(into, name, producer_count); }});
}

}  // namespace

void add_throughput(suite& to) {
    for (const std::size_t count : {std::size_t{1}, std::size_t{2}}) {
        add<subscriptions<1, 1>>(to, "tidings", count);
        add<consumer_group>(to, "tidings_consumer", count);
        add<consumed_queue<locked_deque<0>>>(to, "deque", count);
        add<consumed_queue<locked_deque<1'024>>>(to, "bounded_deque", count);
#if defined(TIDINGS_HAVE_MOODYCAMEL)
        add<consumed_queue<moodycamel_queue<1>>>(to, "moodycamel", count);
        add<consumed_queue<moodycamel_queue<64>>>(to, "moodycamel_bulk", count);
#endif
#if defined(TIDINGS_HAVE_TBB)
        add<consumed_queue<tbb_queue>>(to, "tbb", count);
#endif
    }
    add<subscriptions<4, 2>>(to, "tidings_fan_out", 1);
    add<keyed_subscription>(to, "tidings_keyed", 1);
}
