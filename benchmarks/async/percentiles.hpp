/// How long each of many took.
#pragma once

#include <async/suite.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

class percentiles {
public:
    explicit percentiles(std::size_t expected) { nanoseconds_.reserve(expected); }

    void add(double nanoseconds) { nanoseconds_.push_back(nanoseconds); }

    /// As `name`/p50 and `name`/p99.
    void report(samples& to, const std::string& name) {
        std::sort(nanoseconds_.begin(), nanoseconds_.end());
        to.push_back({name + "/p50", nanoseconds_[nanoseconds_.size() / 2]});
        to.push_back({name + "/p99", nanoseconds_[nanoseconds_.size() * 99 / 100]});
    }

private:
    std::vector<double> nanoseconds_;
};
