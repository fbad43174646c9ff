/// What the threads of a run did, hashed in full and kept for the last steps.
#pragma once

#include "simulation/operation.hpp"
#include "simulation/thread_state.hpp"

#include <cstddef>
#include <cstdint>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidings::simulation {

/// Names for objects: those given, or else the kind and a number, in the order in which an account mentions them.
/// Addresses would differ from one process to the next.
class object_names {
public:
    void give(const void* object, std::string name) { names_.emplace_back(object, std::move(name)); }

    std::string of(operation what, const void* object) {
        for (const auto& [known, name] : names_)
            if (known == object) return name;
        std::string name{object_kind(what)};
        name += " #" + std::to_string(++numbered_);
        names_.emplace_back(object, name);
        return name;
    }

private:
    std::vector<std::pair<const void*, std::string>> names_;
    std::size_t numbered_ = 0;
};

class history {
public:
    /// Keeps the last `steps`, at least one.
    explicit history(std::size_t steps) : limit_{steps} { last_.reserve(64); }

    void add(const thread_state& who, operation what, const void* object) {
        hash_ = (hash_ ^ (who.id.number() << 8 | static_cast<std::uint64_t>(what))) * 0x100000001b3U;  // FNV-1a's prime
        hash_ ^= hash_ >> 29;
        if (last_.size() < limit_) last_.push_back({&who, what, object});
        else last_[added_ % limit_] = {&who, what, object};
        ++added_;
    }

    std::uint64_t hash() const noexcept { return hash_; }

    /// One line for each stretch of steps by one thread, oldest first. The threads that are named still exist.
    std::string text(object_names& names) const {
        std::ostringstream out;
        const thread_state* who = nullptr;
        for (std::uint64_t i = added_ - last_.size(); i != added_; ++i) {
            const entry& e = last_[i % limit_];
            if (e.who != who) out << "\n    '" << e.who->name << "':";
            else out << ',';
            who = e.who;
            out << ' ' << simulation::text(e.what);
            if (!object_kind(e.what).empty()) out << ' ' << names.of(e.what, e.object);
        }
        return out.str();
    }

private:
    struct entry {
        const thread_state* who = nullptr;
        operation what = operation::start;
        const void* object = nullptr;
    };

    const std::size_t limit_;
    std::vector<entry> last_;
    std::uint64_t added_ = 0;
    std::uint64_t hash_ = 0xcbf29ce484222325U;
};

}  // namespace tidings::simulation
