// expects: what is to be checked is no queue of std::string, or lacks a call
#include <tidings/queue/work_queue.hpp>
#include <tidings/testing/message_queue_contract.hpp>

#include <memory>
#include <string>

int main() {
#ifdef MUST_NOT_COMPILE
    using queue = tidings::work_queue<int>;
#else
    using queue = tidings::work_queue<std::string>;
#endif
    const auto broken = tidings::testing::broken_promise_of(
        [](const tidings::work_queue_options& options) { return std::make_unique<queue>(options); });
    return broken ? 1 : 0;
}
