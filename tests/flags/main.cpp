// What programs without exceptions or run-time type information use of the library.
#include <tidings/consumer/producer.hpp>
#include <tidings/consumer/traceparent.hpp>
#include <tidings/queue/work_queue.hpp>
#include <tidings/tidings.hpp>
#include <tidings/topic/topic.hpp>

#include <chrono>
#include <cstdio>
#include <memory>
#include <string>

namespace {

int failures = 0;

void check(bool condition, const char* what) {
    if (condition) return;
    std::fprintf(stderr, "not so: %s\n", what);
    ++failures;
}

struct ping {
    int n = 0;
};
struct pong {};

struct listener {
    using listens_to = tidings::events<ping, pong>;
    int heard = 0;
    void on(const ping& p) { heard += p.n; }
    void on(const pong&, const tidings::context& origin) { heard += origin.causation_id() != tidings::event_id{}; }
};

}  // namespace

int main() {
    int sum = 0;
    tidings::bus bus{{.on_error = [](const tidings::handler_error&) {}}};
    tidings::subscription adder = bus.subscribe("adder", [&](const ping& p) { sum += p.n; });
    tidings::subscription echo = bus.subscribe([&](const ping&) { bus.publish(pong{}); },
                                               tidings::sync.priority(1).filter([](const ping& p) { return p.n > 0; }));
    listener plain;
    auto observed = std::make_shared<listener>();
    tidings::subscriptions links = tidings::listen(bus, plain);
    tidings::subscriptions weak = tidings::listen(bus, std::weak_ptr{observed});

    const tidings::publish_result first = bus.publish(ping{2}, {.source = "flags"});
    check(first.handled == 4 && first.failed == 0, "every handler took the event");
    check(sum == 2 && plain.heard == 3 && observed->heard == 3, "what they heard");

    observed.reset();
    check(adder.reset() == tidings::reset_result::ended, "reset is a barrier");
    check(bus.publish(ping{40}).handled == 2 && sum == 2, "nobody hears after reset or expiry");
    check(adder.stats().delivered == 1 && !weak[0].active(), "stats");
    check(to_string(tidings::event_id::next()).size() == 36, "ids");

    tidings::thread_pool pool{1};
    tidings::manual_executor loop;
    tidings::bus queues{{.executor = pool, .on_error = [](const tidings::handler_error&) {}}};
    int on_pool = 0;
    int on_loop = 0;
    const auto by_key = queues.subscribe([&](const ping& p) { on_pool += p.n; },
                                         tidings::async.ordered_by(&ping::n).filter([](const ping&) { return true; }));
    const auto in_loop = queues.subscribe([&](const ping& p) { on_loop += p.n; }, tidings::async.on(loop));
    tidings::mailbox<ping> box = queues.mailbox<ping>();
    const auto soon = queues.publish_after(std::chrono::milliseconds{1}, ping{1});
    check(queues.publish(ping{2}).queued == 3, "every queue took it");
    check(static_cast<bool>(box.receive()) && static_cast<bool>(box.receive()), "the mailbox had both, one by a timer");
    loop.run();
    queues.drain();
    check(on_pool == 3 && on_loop == 3 && queues.stats().delivered == 6, "what queues delivered");

    tidings::producer signs{queues, "flags"};
    std::string source;
    const auto who = queues.subscribe([&](const ping&, const tidings::context& c) {
        source = c.source();
        check(to_string(tidings::traceparent_of(c)).starts_with("00-00000000000000010000000000000002-"), "a trace");
    });
    tidings::with_context({.correlation_id = {1, 2}}, [&] {
        signs.publish(ping{1});
        loop.run();
        queues.drain();
    });
    check(source == "flags", "a producer signs");

    int by_topic = 0;
    const auto routed = bus.subscribe(tidings::topic{"door.#"}, [&](const ping& p) { by_topic += p.n; });
    const auto audit = bus.subscribe(tidings::topic{"#.bell"}, [&](const tidings::any_event& e) {
        by_topic += e.get_if<ping>() != nullptr && e.topic() == "door.bell" ? 100 : 1'000;
    });
    check(bus.publish(ping{3}, {.topic = "door.bell"}).handled >= 2 && by_topic == 103, "topics route");

    tidings::work_queue<ping> jobs;
    int worked = 0;
    auto crew = jobs.consume([&](const ping& p) { worked += p.n; }, {.executor = loop});
    jobs.push({2});
    loop.run();
    check(crew.stop() == tidings::reset_result::ended && worked == 2, "a worker did its job");
    jobs.push({3});
    check(jobs.receive()->reject("no") && jobs.dead_letters().redrive_all() == 1, "a dead letter was redriven");
    check(jobs.stats().accounted() == 2, "messages are accounted for");
    return failures == 0 ? 0 : 1;
}
