/// work_queue/<subject>/<producers>: push, receive and acknowledge, on a thread for each producer and one more; the
/// peer carries the same, and leases nothing.
#include <async/cargo.hpp>
#include <async/producers.hpp>
#include <async/stopwatch.hpp>
#include <async/subjects/consumed_queue.hpp>
#include <async/subjects/leased_queue.hpp>
#include <async/suite.hpp>

#if defined(TIDINGS_HAVE_TBB)
#include <async/subjects/tbb_queue.hpp>
#endif

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

namespace {

constexpr std::uint64_t warm_up = 100'000;
constexpr std::uint64_t measured = 1'000'000;
constexpr unsigned repetitions = 5;

template <class Subject>
std::uint64_t carry(Subject& subject, producers& by, std::uint64_t messages) {
    const std::uint64_t before = subject.sum();
    subject.expect(messages);
    const std::uint64_t allocations = by.run([&](std::size_t producer) {
        for (std::uint64_t n = producer; n < messages; n += by.count()) subject.push(cargo_number(n));
    });
    subject.finish();
    if (subject.sum() - before != messages * (messages - 1) / 2)
        throw std::runtime_error{"a message was lost, or came twice"};
    return allocations;
}

template <class Subject>
void add(suite& to, const std::string& subject, std::size_t producer_count) {
    const std::string name = "work_queue/" + subject + "/" + std::to_string(producer_count);
    to.push_back(
        {name, repetitions, measurement::place::here, [=](samples& into) {
             Subject carrier;
             producers by{producer_count};
             carry(carrier, by, warm_up);
             const std::uint64_t before = carrier.allocations();
             const stopwatch watch;
             const std::uint64_t on_producers = carry(carrier, by, measured);
             const double taken = watch.nanoseconds();
             const std::uint64_t on_consumer = carrier.allocations() - before;
             constexpr auto messages = static_cast<double>(measured);
             into.push_back({name, taken / messages, static_cast<double>(on_producers + on_consumer) / messages});
         }});
}

}  // namespace

void add_work_queue(suite& to) {
    for (const std::size_t count : {std::size_t{1}, std::size_t{2}}) {
        add<consumed_queue<leased_queue<0>>>(to, "tidings", count);
#if defined(TIDINGS_HAVE_TBB)
        add<consumed_queue<tbb_queue>>(to, "tbb", count);
#endif
    }
    add<consumed_queue<leased_queue<1'000'000>>>(to, "tidings_million_delayed", 1);
}
