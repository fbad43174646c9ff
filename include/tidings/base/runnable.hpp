/// Something that threads run and that one of them ends: a handler and its captures.
#pragma once

#include <tidings/base/sync.hpp>

#include <cstdint>

namespace tidings::base {

class runnable {
public:
    /// Destroys what the runnable captured. Runs once, with no lock held.
    using end_function = void (*)(runnable&) noexcept;

    enum class progress : std::uint8_t { live, ending, ended };

    explicit runnable(end_function destroy) noexcept : end{destroy} {}
    runnable(const runnable&) = delete;
    runnable& operator=(const runnable&) = delete;

    /// Set once and cleared once. A thread that finds it set after naming the runnable in its slot may run it.
    atomic<bool> active{false};

    /// Whoever finds the runnable inactive and in no slot moves it from live to ending, and ends it.
    atomic<progress> state{progress::live};

    const end_function end;

protected:
    ~runnable() = default;
};

}  // namespace tidings::base
