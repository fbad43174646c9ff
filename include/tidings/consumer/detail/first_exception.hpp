/// What was thrown first.
#pragma once

#include <tidings/base/config.hpp>

#include <exception>
#include <utility>

namespace tidings::consumer_detail {

/// Lets things go on although something is thrown, which comes out in the end.
class first_exception {
public:
    /// Whether `f` returned.
    template <class F>
    bool run(F f) {
        bool returned = false;
        TIDINGS_TRY {
            f();
            returned = true;
        }
        TIDINGS_CATCH_ALL {
            if (first_ == nullptr) first_ = std::current_exception();
        }
        return returned;
    }

    void rethrow() {
        if (first_ != nullptr) std::rethrow_exception(std::exchange(first_, nullptr));
    }

private:
    std::exception_ptr first_;
};

}  // namespace tidings::consumer_detail
