#include "support/captures.hpp"
#include "support/catch.hpp"

#include <tidings/core/listener.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace {

struct order_placed {
    int cents = 0;
};
struct payment_failed {};

struct ledger {
    using listens_to = tidings::events<order_placed, payment_failed>;
    int balance = 0;
    bool caused = false;
    void on(const order_placed& e) { balance += e.cents; }
    void on(const payment_failed&, const tidings::context& c) { caused = c.id() != tidings::event_id{}; }
};

struct picky {
    using listens_to = tidings::events<order_placed>;
    int calls = 0;
    void on(const order_placed&) { ++calls; }
};

struct clerk {
    std::vector<std::string>* log;
    void plain(const order_placed&) { log->push_back("plain"); }
    void constant(const order_placed&) const { log->push_back("const"); }
    void unfailing(const order_placed&) noexcept { log->push_back("noexcept"); }
    void with_context(const order_placed&, const tidings::context& c) { log->push_back(std::string{c.source()}); }
};

}  // namespace

TEST_CASE("a listener held by reference or pointer is the caller's own object") {
    tidings::bus bus;
    ledger one;
    ledger two;
    tidings::subscriptions by_reference = tidings::listen(bus, one);
    tidings::subscriptions by_pointer = tidings::listen(bus, &two);
    CHECK(by_reference.size() == 2);
    CHECK(bus.publish(order_placed{5}).handled == 2);
    CHECK(bus.publish(payment_failed{}).handled == 2);
    CHECK((one.balance == 5 && two.balance == 5 && one.caused && two.caused));
    by_reference.clear();
    CHECK(bus.publish(order_placed{5}).handled == 1);
}

TEST_CASE("a listener held by shared_ptr lives as long as its subscriptions") {
    tidings::bus bus;
    auto owned = std::make_shared<ledger>();
    const std::weak_ptr<ledger> watch = owned;
    tidings::subscriptions links = tidings::listen(bus, std::move(owned));
    CHECK(bus.publish(order_placed{5}).handled == 1);
    CHECK(watch.lock()->balance == 5);
    links.clear();
    CHECK(watch.expired());
}

TEST_CASE("a listener held by weak_ptr is subscribed until it expires") {
    tidings::bus bus;
    auto owned = std::make_shared<ledger>();
    tidings::subscriptions links = tidings::listen(bus, std::weak_ptr{owned});
    CHECK(bus.publish(order_placed{5}).handled == 1);
    owned.reset();
    CHECK(links[0].active());
    CHECK(bus.publish(order_placed{5}) == tidings::publish_result{});
    CHECK_FALSE(links[0].active());
    CHECK(links[1].active());  // nobody has asked it yet
    CHECK(links[0].stats() == tidings::subscription_stats{.delivered = 1, .failed = 0});
}

TEST_CASE("a weak listener stays alive during its call") {
    struct last {
        std::shared_ptr<last>* owner;
        bool* destroyed;
        bool alive_in_call = false;
        ~last() { *destroyed = true; }
        void on_order(const order_placed&) {
            owner->reset();
            alive_in_call = !*destroyed;
            CHECK(alive_in_call);
        }
    };
    tidings::bus bus;
    bool destroyed = false;
    std::shared_ptr<last> owner;
    owner = std::make_shared<last>(last{&owner, &destroyed});
    destroyed = false;  // the temporary above
    auto taken = bus.subscribe(&last::on_order, std::weak_ptr{owner});
    CHECK(bus.publish(order_placed{}).handled == 1);
    CHECK(destroyed);
}

TEST_CASE("member functions of every kind can be handlers, named or not") {
    tidings::bus bus;
    std::vector<std::string> log;
    clerk c{&log};
    const clerk& constant = c;
    auto a = bus.subscribe(&clerk::plain, c);
    auto b = bus.subscribe("named", &clerk::constant, constant);
    auto d = bus.subscribe(&clerk::unfailing, &c, tidings::sync.priority(-1));
    auto e = bus.subscribe("ctx", &clerk::with_context, std::make_shared<clerk>(c));
    bus.publish(order_placed{}, {.source = "till"});
    CHECK(log == std::vector<std::string>{"plain", "const", "till", "noexcept"});
}

TEST_CASE("a listener's deliveries can be filtered and ordered") {
    picky listener;
    tidings::bus bus;
    auto links = tidings::listen(bus, "picky", listener,
                                 tidings::sync.filter([](const order_placed& o) { return o.cents > 10; }));
    bus.publish(order_placed{5});
    bus.publish(order_placed{50});
    CHECK(listener.calls == 1);
}

TEST_CASE("subscriptions end in the reverse order, and a moved-to set ends its old ones") {
    tidings::bus bus;
    std::string order;
    const auto make = [&](char name) {
        tidings::subscriptions all;
        for (int n = 0; n < 2; ++n)
            all.add(bus.subscribe([at_end = support::at_end{[&order, name, n] {
                                       order += name;
                                       order += static_cast<char>('0' + n);
                                   }}](const order_placed&) {}));
        return all;
    };
    tidings::subscriptions one = make('a');
    one = make('b');
    CHECK(order == "a1a0");
    one.clear();
    CHECK(order == "a1a0b1b0");
    CHECK(one.empty());
}

TEST_CASE("one set of subscriptions takes over another") {
    tidings::bus bus;
    ledger book;
    tidings::subscriptions all;
    all.add(bus.subscribe([](const order_placed&) {}));
    all.add(tidings::listen(bus, book));
    CHECK(all.size() == 3);
    CHECK(bus.publish(order_placed{1}).handled == 2);
    all.clear();
    CHECK(bus.publish(order_placed{1}).handled == 0);
}
