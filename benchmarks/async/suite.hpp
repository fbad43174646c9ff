/// What is measured of events that go through queues.
#pragma once

#include <functional>
#include <string>
#include <vector>

/// One figure: nanoseconds, unless its name says what else.
struct sample {
    std::string name;
    double value;
    double allocations = 0;
};
using samples = std::vector<sample>;

struct measurement {
    std::string name;
    unsigned repetitions;  ///< within a run of the program

    /// What is said of the whole process is measured in one that did nothing else.
    enum class place { here, process_of_its_own } where;

    /// Adds what it measured. Throws when something did not happen that should have.
    std::function<void(samples&)> take;
};
using suite = std::vector<measurement>;

void add_throughput(suite& to);
void add_bare_line(suite& to);
void add_latency(suite& to);
void add_parked_latency(suite& to);
void add_timers(suite& to);
void add_idle(suite& to);
void add_memory(suite& to);
void add_work_queue(suite& to);
