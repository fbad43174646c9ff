#include <async/report/requirements.hpp>

#include <algorithm>
#include <optional>
#include <string>

namespace report {
namespace {

using bound = requirement::bound;

const std::string tidings = "throughput/tidings/1";

std::optional<double> millions_a_second(const results& all, const std::string& of) {
    const std::optional<double> taken = all.value(of);
    if (!taken) return std::nullopt;
    return 1e3 / *taken;
}

/// How many times as many events a second.
std::optional<double> against(const results& all, const std::string& peer) {
    return all.ratio("throughput/" + peer + "/1", tidings);
}

std::optional<double> most_growth(const results& all) {
    std::optional<double> most;
    for (const char* policy : {"block", "reject", "drop_oldest", "drop_newest"})
        if (const auto n = all.value(std::string{"memory/"} + policy + "/mebibytes"))
            most = std::max(*n, most.value_or(0));
    return most;
}

}  // namespace

std::vector<requirement> async_requirements(const results& all) {
    const std::string events = "one producer, one subscriber: events a second";
    const std::string moodycamel = events + ", against moodycamel::BlockingConcurrentQueue";
    const std::string parked = "a round trip between two threads that sleep, against a bare std::condition_variable: ";
    const std::string messages = "work_queue/tidings/1";
    const std::string work_queue = "a work queue, one thread pushes, one receives and acknowledges: ";
    return {
        {events, bound::at_least, 15, " million", millions_a_second(all, tidings), 1},
        {moodycamel, bound::at_least, 0.8, "x", against(all, "moodycamel")},
        {events + ", against tbb::concurrent_bounded_queue", bound::at_least, 2, "x", against(all, "tbb")},
        {events + ", against a std::deque in a std::mutex", bound::at_least, 1, "x", against(all, "deque")},
        {"allocations for an event, both threads", bound::at_most, 0, "", all.allocations(tidings), 3},
        {"a round trip between two threads that are awake: median", bound::at_most, 1'000, "ns",
         all.value("latency/thread_and_pool/p50"), 0},
        {parked + "median", bound::at_most, 2, "x", all.ratio("parked/tidings/p50", "parked/bare/p50")},
        {"a consumer with a retry policy and no failures, against the plain subscription", bound::at_most, 1.3, "x",
         all.ratio("throughput/tidings_consumer/1", tidings)},
        {work_queue + "messages a second", bound::at_least, 2, " million", millions_a_second(all, messages)},
        {work_queue + "against tbb::concurrent_bounded_queue", bound::at_least, 0.5, "x",
         all.ratio("work_queue/tbb/1", messages)},
        {work_queue + "with a million delayed ones, against none", bound::at_most, 1.1, "x",
         all.ratio("work_queue/tidings_million_delayed/1", messages)},
        {"processor time of an idle bus, of one core", bound::at_most, 1, " %", all.value("idle/percent")},
        {"memory above capacity x event, whatever the overflow policy", bound::at_most, 64, " MiB", most_growth(all),
         1},
    };
}

}  // namespace report
