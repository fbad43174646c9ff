// An order service that keeps a copy of the customers, from the events of the service that owns them: it answers while
// that one is down, and it stands a network that brings events twice and out of order.
#include <tidings/consumer/replica.hpp>
#include <tidings/tidings.hpp>

#include <cstddef>
#include <cstdint>
#include <iostream>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

struct customer {
    std::string name;
    std::string city;
};

// Says what is, not just that something happened: whoever gets it need not ask.
struct customer_changed {
    int id = 0;
    std::uint64_t version = 0;    // counted by the owner, for each customer
    std::optional<customer> now;  // none: the customer has left
};

struct customer_service {
    void save(int id, customer c) { sent.push_back({id, ++versions[id], std::move(c)}); }
    void remove(int id) { sent.push_back({id, ++versions[id], std::nullopt}); }

    std::map<int, std::uint64_t> versions;
    std::vector<customer_changed> sent;
};

class order_service {
public:
    explicit order_service(tidings::bus& bus)
        : following_{bus.subscribe([this](const customer_changed& e) {
              customers.apply({.key = e.id, .version = e.version, .value = e.now});
          })} {}

    void order(int id, const std::string& dish) const {
        if (const auto known = customers.find(id))
            std::cout << "  " << dish << " to " << known->name << " in " << known->city << '\n';
        else std::cout << "  no " << dish << ": customer " << id << " is unknown\n";
    }

    tidings::replica<int, customer> customers;

private:
    tidings::subscription following_;
};

// Brings the last event first, and every other one twice.
void deliver(tidings::bus& bus, const std::vector<customer_changed>& events) {
    for (std::size_t n = events.size(); n-- != 0;) {
        bus.publish(events[n]);
        if (n % 2 == 0) bus.publish(events[n]);
    }
}

int main() {
    tidings::bus bus;
    order_service orders{bus};
    {
        customer_service owner;
        owner.save(1, {"Ada", "London"});
        owner.save(2, {"Grace", "New York"});
        owner.save(1, {"Ada", "Paris"});
        owner.save(3, {"Edsger", "Austin"});
        owner.remove(2);
        deliver(bus, owner.sent);
    }
    std::cout << "the customer service is down, and orders are taken\n";
    orders.order(1, "soup");   // the later address, though the earlier one came after it
    orders.order(2, "salad");  // the removal came before what it removes
    orders.order(3, "cake");
    const auto stats = orders.customers.stats();
    std::cout << "  of " << stats.offered << " events " << stats.applied << " were applied, " << stats.duplicates
              << " duplicates, " << stats.stale << " stale\n";

    std::cout << "a second order service begins\n";
    order_service second{bus};  // subscribed first, so that nothing is lost in between
    bus.publish(customer_changed{3, 2, customer{"Edsger", "Nuenen"}});
    second.customers.load(orders.customers.snapshot());
    bus.publish(customer_changed{2, 1, customer{"Grace", "New York"}});  // late by days
    second.order(3, "pie");
    second.order(2, "tea");

    std::cout << "two desks change one basket, and neither knows of the other\n";
    using basket = std::string;
    const auto both = [](const basket& a, const basket& b) { return a + " and " + b; };
    tidings::replica<int, basket, tidings::merge_siblings<decltype(both)>> baskets{
        {}, [](int, const auto&, const auto& now) { std::cout << "  " << *now << '\n'; }};
    tidings::vector_clock first_desk;
    tidings::vector_clock second_desk;
    if (!first_desk.increment(1) || !second_desk.increment(2)) return 1;
    baskets.apply({7, second_desk, "tea"});
    baskets.apply({7, first_desk, "cake"});
}
