// What this program knows of GitHub: a few events in its own words. No JSON from here on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace webhooks {

// Every delivery, of whatever type.
struct delivery_received {
    std::string type;        // such as "push" or "release.published"
    std::string id;          // the same again when GitHub delivers it again
    std::string repository;  // owner/name; empty where it concerns an organization or an account
};

// That a line cannot be read is news as well: so it is never lost silently.
struct line_rejected {
    std::size_t line = 0;
    std::string reason;
};

struct push_received {
    std::string repository;
    std::size_t commits = 0;
};

struct release_published {
    std::string repository;
    std::string tag;
};

struct check_finished {
    std::string repository;
    std::string name;
    std::string conclusion;
};

struct issue_opened {
    std::string repository;
    std::uint64_t number = 0;
    std::string title;
};

struct pull_request_opened {
    std::string repository;
    std::uint64_t number = 0;
    std::string title;
};

// A delivery of a type that has no event of its own here.
struct only_audited {};

}  // namespace webhooks
