// Objects that listen. None knows of another, nor of where events come from: each can go, and more can come, without a
// change elsewhere.
#pragma once

#include "events.hpp"
#include "report.hpp"

#include <tidings/tidings.hpp>

#include <cstddef>
#include <iomanip>
#include <map>
#include <ostream>
#include <set>
#include <string>
#include <vector>

namespace webhooks {

// What has been opened, issues and pull requests alike: one on() serves both.
struct opened {
    using listens_to = tidings::events<issue_opened, pull_request_opened>;
    std::vector<std::string> entries;

    void on(const auto& e) {
        entries.push_back(printable(e.repository) + " #" + std::to_string(e.number) + ' ' + printable(e.title));
    }
};

// How much goes on where.
class activity {
public:
    using listens_to = tidings::events<delivery_received, push_received, check_finished>;

    void on(const delivery_received& e) { ++rows_[e.repository].deliveries; }
    void on(const push_received& e) {
        ++rows_[e.repository].pushes;
        rows_[e.repository].commits += e.commits;
    }
    void on(const check_finished& e) { ++rows_[e.repository].checks; }

    void print(std::ostream& out) const {
        out << "Repositories\n  deliveries  pushes  commits  checks\n";
        for (const auto& [name, row] : rows_)
            out << std::setw(12) << row.deliveries << std::setw(8) << row.pushes << std::setw(9) << row.commits
                << std::setw(8) << row.checks << "  " << (name.empty() ? "(none)" : printable(name)) << '\n';
        out << '\n';
    }

private:
    struct counts {
        std::size_t deliveries = 0, pushes = 0, commits = 0, checks = 0;
    };
    std::map<std::string, counts> rows_;
};

// Every delivery by its type. GitHub delivers at least once: how many came again?
class audit {
public:
    using listens_to = tidings::events<delivery_received>;

    void on(const delivery_received& e) {
        ++by_type_[e.type];
        if (!ids_.insert(e.id).second) ++repeated_;
    }

    void print(std::ostream& out) const {
        out << "Deliveries by type, " << repeated_ << " of them repeated\n";
        for (const auto& [type, count] : by_type_) out << std::setw(6) << count << "  " << printable(type) << '\n';
        out << '\n';
    }

private:
    std::map<std::string, std::size_t> by_type_;
    std::set<std::string> ids_;
    std::size_t repeated_ = 0;
};

// Where every line went.
struct accounts {
    using listens_to = tidings::events<delivery_received, line_rejected, only_audited, push_received, release_published,
                                       check_finished, issue_opened, pull_request_opened>;
    std::size_t deliveries = 0, malformed = 0, audited = 0, typed = 0;

    void on(const delivery_received&) { ++deliveries; }
    void on(const line_rejected&) { ++malformed; }
    void on(const only_audited&) { ++audited; }
    void on(const auto&) { ++typed; }
};

}  // namespace webhooks
