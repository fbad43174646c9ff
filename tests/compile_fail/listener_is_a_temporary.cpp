// expects: a temporary cannot listen
#include <tidings/tidings.hpp>

struct order_placed {
    int cents = 0;
};

struct ledger {
    void on_order(const order_placed&) {}
};

int main() {
    tidings::bus bus;
    ledger book;
#ifdef MUST_NOT_COMPILE
    auto taken = bus.subscribe(&ledger::on_order, ledger{});
#else
    auto taken = bus.subscribe(&ledger::on_order, book);
#endif
}
