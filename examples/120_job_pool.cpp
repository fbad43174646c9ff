// Jobs for a pool of workers: each goes to one of them, and comes back if that one fails, or dies over it.
#include <tidings/queue/work_queue.hpp>
#include <tidings/testing/simulation.hpp>
#include <tidings/tidings.hpp>

#include <atomic>
#include <chrono>
#include <iostream>
#include <stdexcept>
#include <string>
#include <thread>

using namespace std::chrono_literals;

struct resize {
    std::string image;
    int width = 0;
};

// Workers that fetch their jobs: a thread each, until the queue is closed and empty.
void on_threads_of_our_own() {
    std::cout << "on threads of our own\n";
    tidings::work_queue<resize> jobs{{.capacity = 4}};  // full, it makes push() wait
    std::atomic<int> pixels{0};
    const auto work = [&] {
        while (auto job = jobs.receive()) {
            pixels += job->value().width;
            job->ack();  // without it, the job comes back
        }
    };
    std::thread one{work};
    std::thread other{work};
    for (int n = 1; n <= 100; ++n) jobs.push({"holiday", n});
    jobs.close();
    one.join();
    other.join();
    std::cout << "  " << jobs.stats().acked << " done, " << pixels << " pixels wide together\n";
}

// Workers that are called: tasks on an executor, as many as there is work for. Here on virtual time, so that an hour is
// over at once; on a thread_pool it is the same.
void on_an_executor() {
    std::cout << "on an executor\n";
    tidings::testing::simulation sim{1};
    tidings::work_queue<resize> jobs{{.lease = 30s, .max_attempts = 3, .clock = sim.clock()}};
    const auto say = [&](const std::string& what) {
        std::cout << "  " << std::chrono::duration_cast<std::chrono::seconds>(sim.now().time_since_epoch()).count()
                  << " s: " << what << '\n';
    };

    jobs.push({"album", 800}, {.priority = -1});  // whenever nothing else is there
    jobs.push({"avatar", 64});
    jobs.push({"newsletter", 600}, {.delay = 1h});
    jobs.push({"corrupt", 100});

    // A worker takes a job and dies: its lease runs out, and somebody else gets the job.
    auto lost = jobs.try_receive();
    say("somebody takes " + lost->value().image + ", and is not heard of again");

    const tidings::workers pool = jobs.consume(
        [&](const resize& job) {
            if (job.image == "corrupt") throw std::runtime_error{"not an image"};
            say("resized " + job.image);
        },
        {.executor = sim.executor(), .workers = 1, .retry_delay = 5s});
    sim.advance(2h);
    say(lost->ack() ? "the late worker is believed" : "the late worker is told that the job is no longer its own");

    // What failed three times is kept, with the reason, until somebody decides.
    auto dead = jobs.dead_letters();
    for (const tidings::dead_message& each : dead.list())
        say("job " + std::to_string(each.id) + " failed " + std::to_string(each.attempts) + " times: " + each.error);
    dead.redrive_all();
    say(std::to_string(jobs.stats().ready) + " gets another chance");
}

int main() {
    on_threads_of_our_own();
    on_an_executor();
}
