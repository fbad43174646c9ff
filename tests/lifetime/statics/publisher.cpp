#include "world.hpp"

namespace {

/// Publishes while static objects are destroyed: made after the bus, so destroyed before it.
struct publisher {
    publisher() { world().publish(tick{1}); }
    ~publisher() {
        for (int n = 0; n != 100; ++n) world().publish(tick{n});
        world().drain();
    }
};

const publisher until_the_end;

}  // namespace

const void* publisher_is_linked() { return &until_the_end; }
