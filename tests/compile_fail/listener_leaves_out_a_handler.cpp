// expects: this listener does not handle an event that it lists in listens_to
#include <tidings/tidings.hpp>

struct order_placed {
    int cents = 0;
};

struct payment_failed {};

struct ledger {
    using listens_to = tidings::events<order_placed, payment_failed>;
    void on(const order_placed&) {}
#ifdef MUST_NOT_COMPILE
    // nothing for payment_failed
#else
    void on(const payment_failed&) {}
#endif
};

int main() {
    tidings::bus bus;
    ledger book;
    auto taken = tidings::listen(bus, book);
}
