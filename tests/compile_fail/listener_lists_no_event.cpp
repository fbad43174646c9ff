// expects: listens_to names no event
#include <tidings/tidings.hpp>

struct order_placed {
    int cents = 0;
};

struct ledger {
#ifdef MUST_NOT_COMPILE
    using listens_to = tidings::events<>;
#else
    using listens_to = tidings::events<order_placed>;
#endif
    void on(const order_placed&) {}
};

int main() {
    tidings::bus bus;
    ledger book;
    auto taken = tidings::listen(bus, book);
}
