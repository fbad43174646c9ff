#include <async/report/requirements.hpp>
#include <async/report/tables.hpp>
#include <report/machine.hpp>
#include <report/markdown.hpp>

#include <array>
#include <optional>
#include <ostream>
#include <string>

namespace report {
namespace {

struct row {
    const char* name;
    const char* shown;
    bool counted = true;
};

std::optional<double> per_second(std::optional<double> nanoseconds) {
    if (!nanoseconds) return std::nullopt;
    return 1e3 / *nanoseconds;
}

std::optional<double> in_microseconds(std::optional<double> nanoseconds) {
    if (!nanoseconds) return std::nullopt;
    return *nanoseconds / 1e3;
}

void write_throughput(std::ostream& out, const results& all) {
    out << "\n## Throughput\n\nMillions of events a second, 64 bytes each, from the first publish until the last one "
           "has been handled. The peers are queues without dispatch: a thread takes the events out and adds up a "
           "field. The ratio is of tidings to the peer. What moodycamel and TBB allocate goes past operator new, and "
           "is "
           "not counted.\n";
    write_heading(out, "", {"1 producer", "ratio", "allocations", "2 producers", "ratio", "allocations"});
    constexpr std::array subjects{
        row{"tidings", "tidings, at most 1,024 wait"},
        row{"tidings_consumer", "the same by a consumer that would try again"},
        row{"tbb", "tbb::concurrent_bounded_queue, at most 1,024", false},
        row{"bounded_deque", "std::mutex, std::condition_variable, std::deque, at most 1,024"},
        row{"deque", "the same without a bound"},
        row{"moodycamel", "moodycamel::BlockingConcurrentQueue, no bound", false},
        row{"moodycamel_bulk", "the same, 64 taken out at once", false},
    };
    for (const row& subject : subjects) {
        const std::string name = std::string{"throughput/"} + subject.name;
        if (!all.value(name + "/1")) continue;
        out << '|' << cell(subject.shown);
        for (const std::string producers : {"/1", "/2"}) {
            const std::optional<double> allocations = all.allocations(name + producers);
            out << cell(shown(per_second(all.value(name + producers))))
                << cell(shown(all.ratio(name + producers, "throughput/tidings" + producers)) + "x")
                << cell(allocations && subject.counted ? fixed(*allocations, 3) : "-");
        }
        out << '\n';
    }
}

void write_more_throughput(std::ostream& out, const results& all) {
    out << "\nMillions of events a second, published by one thread and handled by a pool of two.\n";
    write_heading(out, "", {"events", "handled", "allocations"});
    struct shape {
        row what;
        double subscribers;
    };
    for (const shape& each : {shape{{"tidings_fan_out", "4 subscribers, each with a queue"}, 4},
                              shape{{"tidings_keyed", "1 subscriber, ordered by key, 1,000 keys"}, 1}}) {
        const std::string name = std::string{"throughput/"} + each.what.name + "/1";
        const std::optional<double> events = per_second(all.value(name));
        if (!events) continue;
        out << '|' << cell(each.what.shown) << cell(shown(events)) << cell(shown(*events * each.subscribers))
            << cell(fixed(all.allocations(name).value_or(0), 3)) << '\n';
    }
}

void write_work_queue(std::ostream& out, const results& all) {
    out << "\n## Work queue\n\nMillions of messages a second, 64 bytes each, pushed by one thread or by two, received "
           "and "
           "acknowledged by one more. The peer carries the same, and leases nothing.\n";
    write_heading(out, "", {"1 producer", "ratio", "allocations", "2 producers", "ratio", "allocations"});
    for (const row& subject :
         {row{"tidings", "tidings::work_queue"}, row{"tidings_million_delayed", "with a million delayed messages"},
          row{"tbb", "tbb::concurrent_bounded_queue", false}}) {
        out << '|' << cell(subject.shown);
        for (const std::string producers : {"/1", "/2"}) {
            const std::string name = std::string{"work_queue/"} + subject.name + producers;
            const std::optional<double> allocations = all.allocations(name);
            out << cell(shown(per_second(all.value(name))))
                << cell(shown(all.ratio(name, "work_queue/tidings" + producers)) + "x")
                << cell(allocations && subject.counted ? fixed(*allocations, 3) : "-");
        }
        out << '\n';
    }
}

void write_latency(std::ostream& out, const results& all) {
    out << "\n## Latency\n\nMicroseconds from a ping until the pong that answers it has arrived, each through a "
           "queue. Asleep: a millisecond passes between the rounds.\n";
    write_heading(out, "", {"median", "99 of 100 within"});
    for (const row& each :
         {row{"latency/bare_line", "awake: two threads and two atomics, nothing else"},
          row{"latency/thread_and_pool", "awake: a pool answers, a thread looks into a mailbox"},
          row{"latency/two_pools", "awake: two pools of one thread answer each other"},
          row{"latency/thread_and_two_pools", "awake: the same, and a third thread sends and spins (on two cores)"},
          row{"parked/tidings", "asleep: a pool answers, a thread waits at a mailbox"},
          row{"parked/bare", "asleep: two threads with std::mutex and std::condition_variable alone"}}) {
        const std::string name = each.name;
        out << '|' << cell(each.shown) << cell(shown(in_microseconds(all.value(name + "/p50"))))
            << cell(shown(in_microseconds(all.value(name + "/p99")))) << '\n';
    }
}

void write_memory(std::ostream& out, const results& all) {
    out << "\n## Memory\n\nBy how many MiB the process grew at most, above the 64 KiB of the 1,024 events that wait, "
           "in a process that did nothing else. 10,000,000 events of 64 bytes are published and nobody handles them; "
           "with overflow::block, 500,000 to a handler that takes a microsecond for each.\n";
    write_heading(out, "when full", {"MiB"});
    for (const char* policy : {"block", "reject", "drop_oldest", "drop_newest"})
        out << '|' << cell(policy) << cell(shown(all.value(std::string{"memory/"} + policy + "/mebibytes"))) << '\n';
}

void write_timers(std::ostream& out, const results& all) {
    out << "\n## Timers\n\nNanoseconds for one of 1,000,000 that are pending at the same time, due in no order.\n";
    write_heading(out, "", {"ns"});
    for (const row& each : {row{"timers/set", "set"}, row{"timers/cancelled", "cancelled"}})
        out << '|' << cell(each.shown) << cell(shown(all.value(each.name))) << '\n';
}

}  // namespace

void write_async_tables(std::ostream& out, const results& all, int runs) {
    out << "# Measured: events through queues\n\n"
        << machine() << "; " << compiler() << ", -O2 -DNDEBUG. Medians of " << runs
        << " runs of the program; within a run, the repetitions of all measurements are shuffled. A ratio is of "
           "figures of the same run.\n";
    write_requirements(out, async_requirements(all));
    write_throughput(out, all);
    write_more_throughput(out, all);
    write_work_queue(out, all);
    write_latency(out, all);
    write_memory(out, all);
    write_timers(out, all);
}

}  // namespace report
