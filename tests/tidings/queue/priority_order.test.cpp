#include "support/catch.hpp"
#include "support/seed.hpp"

#include <tidings/queue/priority_order.hpp>
#include <tidings/queue/work_queue.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <random>

namespace {

using tidings::fair_share;
using tidings::priority_order;
using tidings::work_queue;

}  // namespace

TEST_CASE("with strict priorities a low one waits as long as there are higher ones") {
    work_queue<int> jobs{{.priorities = priority_order::strict}};
    jobs.push(0, {.priority = -1});
    for (int n = 1; n <= 1'000; ++n) {
        jobs.push(int{n});
        auto job = jobs.receive();
        CHECK(job->value() == n);
        job->ack();
    }
    CHECK(jobs.receive()->value() == 0);
}

TEST_CASE("with fair priorities a low one waits for eight receives at most, if nothing older is ready") {
    work_queue<int> jobs{{.priorities = priority_order::fair}};
    for (int before = 0; before < 8; ++before) {  // wherever in the eight it comes
        jobs.push(-1, {.priority = -1});
        unsigned waited = 0;
        for (;; ++waited) {
            jobs.push(1, {.priority = 5});
            auto job = jobs.receive();
            job->ack();
            if (job->value() == -1) break;
        }
        CHECK(waited < fair_share);
        while (auto left = jobs.try_receive()) left->ack();
        for (int n = 0; n < before; ++n) {
            jobs.push(1);
            jobs.receive()->ack();
        }
    }
}

TEST_CASE("with fair priorities the bound holds, whatever comes") {
    std::mt19937_64 random{support::fresh_seed("fair priorities")};
    work_queue<std::uint64_t> jobs{{.priorities = priority_order::fair}};
    struct waiting {
        std::uint64_t receives;  // when it came
        std::uint64_t older;     // that were ready then
    };
    std::map<std::uint64_t, waiting> ready;
    std::uint64_t receives = 0;
    for (std::uint64_t n = 0; n < 20'000; ++n) {
        if (ready.size() < 50 || (ready.size() < 200 && random() % 2 == 0)) {
            ready.emplace(n, waiting{receives, ready.size()});
            jobs.push(std::uint64_t{n}, {.priority = static_cast<int>(random() % 5)});
            continue;
        }
        auto job = jobs.receive();
        ++receives;
        const waiting w = ready.at(job->value());
        ready.erase(job->value());
        REQUIRE(receives - w.receives <= fair_share * (w.older + 1));
        job->ack();
    }
}
