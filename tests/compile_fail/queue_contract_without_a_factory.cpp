// expects: this function makes no queue; it takes \(const tidings::work_queue_options&\)
#include <tidings/queue/work_queue.hpp>
#include <tidings/testing/message_queue_contract.hpp>

#include <memory>
#include <string>

int main() {
    using queue = tidings::work_queue<std::string>;
#ifdef MUST_NOT_COMPILE
    const auto make = [] { return std::make_unique<queue>(); };
#else
    const auto make = [](const tidings::work_queue_options& options) { return std::make_unique<queue>(options); };
#endif
    return tidings::testing::broken_promise_of(make) ? 1 : 0;
}
