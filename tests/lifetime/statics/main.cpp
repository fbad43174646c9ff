#include "world.hpp"

const void* subscriber_is_linked();
const void* publisher_is_linked();

int main() {
    world().drain();
    const int before = heard;
    world().publish(tick{2});
    world().drain();
    const bool linked = subscriber_is_linked() != publisher_is_linked();
    return linked && heard == before + 2 ? 0 : 1;
}
