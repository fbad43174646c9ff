/// Says which schedule was running when the process dies: of a signal, std::terminate(), or a sanitizer's report.
#pragma once

#include "simulation/options.hpp"
#include "simulation/sanitizers.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstring>

namespace tidings::simulation {

/// While it lives. Handlers that were there before are called after it has spoken.
class crash_note {
public:
    crash_note() {
        if (alive_++ != 0) return;
        struct sigaction ours {};
        ours.sa_handler = &crash_note::on_signal;
        ours.sa_flags = SA_ONSTACK;  // a fiber that overflows its stack has none left to run this on
        sigemptyset(&ours.sa_mask);
        for (std::size_t i = 0; i != signals.size(); ++i) sigaction(signals[i], &ours, &before_[i]);
#if TIDINGS_SIMULATION_ASAN || TIDINGS_SIMULATION_TSAN
        ::__sanitizer_set_death_callback(&crash_note::speak);
#endif
    }

    ~crash_note() {
        if (--alive_ != 0) return;
        restore();
        text_[0] = '\0';
    }

    crash_note(const crash_note&) = delete;
    crash_note& operator=(const crash_note&) = delete;

    /// What it is to say from now on.
    static void about(const options& running) noexcept {
        const int length = std::snprintf(text_.data(), text_.size(),
                                         "\nsimulation: died in the schedule TIDINGS_REPLAY=%s:%llu:%u:%llu\n",
                                         text(running.strategy).data(), static_cast<unsigned long long>(running.seed),
                                         running.depth, static_cast<unsigned long long>(running.expected_steps));
        if (length < 0) text_[0] = '\0';
    }

private:
    static constexpr std::array signals{SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};

    static void speak() {
        if (text_[0] == '\0') return;
        const auto written = ::write(STDERR_FILENO, text_.data(), std::strlen(text_.data()));
        static_cast<void>(written);  // nothing is left to do about it
        text_[0] = '\0';
    }

    /// Returning does again what raised the signal, for whoever handled it before. abort() does it by itself.
    static void on_signal(int) {
        const int error = errno;
        speak();
        restore();
        errno = error;
    }

    static void restore() noexcept {
        for (std::size_t i = 0; i != signals.size(); ++i) sigaction(signals[i], &before_[i], nullptr);
    }

    static inline constinit int alive_ = 0;
    static inline constinit std::array<char, 160> text_{};
    static inline std::array<struct sigaction, signals.size()> before_{};
};

}  // namespace tidings::simulation
