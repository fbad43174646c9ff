// A trace that begins elsewhere and goes on elsewhere: a request comes with a traceparent header, its order is
// published in the name of the checkout, the warehouse handles that later and publishes something else, and the request
// that the carrier gets in the end belongs to the same trace.
#include <tidings/consumer/producer.hpp>
#include <tidings/consumer/trace_headers.hpp>
#include <tidings/consumer/traceparent.hpp>
#include <tidings/testing/simulation.hpp>
#include <tidings/tidings.hpp>

#include <iostream>
#include <optional>
#include <string>
#include <string_view>

struct request {
    std::string customer;
    std::string traceparent;  // of a stranger's making: anything may stand in it
    std::string tracestate;
};

struct order_placed {
    static constexpr std::string_view event_type = "order.placed";
    std::string customer;
};
struct parcel_packed {
    static constexpr std::string_view event_type = "parcel.packed";
    std::string customer;
};

class web_shop {
public:
    explicit web_shop(tidings::bus& bus) : checkout_{bus, "checkout", {.headers = {{"region", "eu"}}}} {}

    void answer(const request& from) {
        const auto trace = tidings::traceparent::parse(from.traceparent);
        std::cout << from.customer << (trace ? ": a trace goes on\n" : ": no trace, so one begins\n");

        // What is published in here, however far down, belongs to the trace. Of no trace, it is as if nothing was said.
        tidings::with_context(tidings::lineage_of(trace), [&] { place(from, trace); });
    }

private:
    void place(const request& from, const std::optional<tidings::traceparent>& trace) {
        const order_placed order{from.customer};
        checkout_.publish(order, {.key = order.customer, .headers = tidings::trace_headers(trace, from.tracestate)});
    }

    tidings::producer checkout_;
};

int main() {
    tidings::testing::simulation sim{1};  // so that ids are the same each time; without it they are random
    tidings::bus bus{{.executor = sim.executor(), .clock = sim.clock()}};
    tidings::producer warehouse{bus, "warehouse"};

    const auto packing = bus.subscribe(
        [&](const order_placed& order, const tidings::context& context) {
            std::cout << "  " << context.event_type() << " by " << context.source() << ", key " << context.key()
                      << ", region " << context.header("region") << ", id " << to_string(context.id()) << '\n';
            // Correlation and causation are inherited. Headers belong to one event, and are handed on.
            warehouse.publish(parcel_packed{order.customer}, {.headers = tidings::trace_headers(context)});
        },
        tidings::async);

    const auto shipping = bus.subscribe(
        [](const parcel_packed&, const tidings::context& context) {
            std::cout << "  " << context.event_type() << " by " << context.source() << ", id "
                      << to_string(context.id()) << '\n';
            std::cout << "  to the carrier:\n";
            for (const auto& [name, value] : tidings::trace_headers(context))
                std::cout << "    " << name << ": " << value << '\n';
        },
        tidings::async);

    web_shop shop{bus};
    shop.answer({"ada", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "congo=t61rcWkgMzE"});
    sim.run_until_idle();
    shop.answer({"eve", "00-4bf92f3577b34da6a3ce929d0e0e4736-<script>", "congo=t61rcWkgMzE"});
    sim.run_until_idle();
}
