// expects: a listener says what it listens to
#include <tidings/tidings.hpp>

struct order_placed {
    int cents = 0;
};

struct ledger {
#ifndef MUST_NOT_COMPILE
    using listens_to = tidings::events<order_placed>;
#endif
    void on(const order_placed&) {}
};

int main() {
    tidings::bus bus;
    ledger book;
    auto taken = tidings::listen(bus, book);
}
