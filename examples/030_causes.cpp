// What led to what. An event published inside a handler names the event which that handler was given as its cause, and
// shares its correlation: what belongs together. Nobody hands ids around.
#include <tidings/tidings.hpp>

#include <cstddef>
#include <iomanip>
#include <iostream>
#include <map>
#include <string>
#include <string_view>

struct order_placed {
    static constexpr std::string_view event_type = "order.placed";  // a name to read, instead of the compiler's
    std::string item;
};
struct stock_reserved {
    static constexpr std::string_view event_type = "stock.reserved";
};
struct stock_missing {
    static constexpr std::string_view event_type = "stock.missing";
};
struct payment_taken {
    static constexpr std::string_view event_type = "payment.taken";
};
struct payment_refunded {
    static constexpr std::string_view event_type = "payment.refunded";
};
struct parcel_sent {
    static constexpr std::string_view event_type = "parcel.sent";
};

// Prints each event indented below its cause. Ids are random: for the eye they are numbered as they come.
class tracer {
public:
    using listens_to =
        tidings::events<order_placed, stock_reserved, stock_missing, payment_taken, payment_refunded, parcel_sent>;

    // One on() serves them all: everything it prints is in the context.
    void on(const auto&, const tidings::context& context) {
        const auto cause = seen_.find(context.causation_id());  // nil for an event that no handler published
        const bool root = cause == seen_.end();
        const std::size_t depth = root ? 0 : cause->second.depth + 1;
        const std::size_t number = seen_.size() + 1;
        seen_.emplace(context.id(), place{number, depth});

        const std::string name = std::string(2 * depth, ' ') + '#' + std::to_string(number) + ' ';
        std::cout << std::left << std::setw(28) << name + std::string{context.event_type()} << "correlation #"
                  << seen_.at(context.correlation_id()).number;
        if (!root) std::cout << ", cause #" << cause->second.number;
        std::cout << ", source " << context.source();
        for (const auto& [header, value] : context.headers()) std::cout << ", " << header << ' ' << value;
        std::cout << '\n';
    }

private:
    struct place {
        std::size_t number;
        std::size_t depth;
    };
    std::map<tidings::event_id, place> seen_;
};

int main() {
    tidings::bus bus;

    auto warehouse = bus.subscribe([&](const order_placed& order) {
        if (order.item == "unicorn") bus.publish(stock_missing{}, {.source = "warehouse"});
        else bus.publish(stock_reserved{}, {.source = "warehouse"});
    });
    auto billing = bus.subscribe([&](const stock_reserved&) { bus.publish(payment_taken{}, {.source = "billing"}); });
    auto shipping = bus.subscribe([&](const payment_taken&) { bus.publish(parcel_sent{}, {.source = "shipping"}); });

    // A context ends with its handler. What is needed later is copied: two ids, for the day of a refund.
    tidings::event_id payment;
    tidings::event_id purchase;
    auto ledger = bus.subscribe([&](const payment_taken&, const tidings::context& context) {
        payment = context.id();
        purchase = context.correlation_id();
    });

    // Before all other handlers, so that a cause is printed before its effects.
    tracer trace;
    auto tracing = tidings::listen(bus, trace, tidings::sync.priority(1));

    bus.publish(order_placed{"kettle"}, {.source = "web shop", .headers = {{"customer", "Ada"}}});
    bus.publish(order_placed{"unicorn"}, {.source = "telephone", .headers = {{"customer", "Grace"}}});

    // The kettle comes back. Outside of handlers nothing is inherited, so the publisher says what this belongs to.
    bus.publish(payment_refunded{}, {.source = "help desk", .correlation_id = purchase, .causation_id = payment});
}
