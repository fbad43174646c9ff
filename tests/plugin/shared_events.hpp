// What the host and the plug-in agree on.
#pragma once

#include <tidings/tidings.hpp>

#include <atomic>

struct greeting {
    int n = 0;
};
struct answer {
    int n = 0;
};

namespace {
struct private_event {};  // another type in each library, of the same name
}  // namespace

/// The host gives these to the plug-in, which keeps its state in them.
struct exchange {
    tidings::bus* bus = nullptr;
    std::atomic<int> greetings_heard{0};  // by the plug-in
    std::atomic<bool> hold{false};        // the plug-in's handler waits while it is set
    std::atomic<bool> holding{false};
};

extern "C" {
using plugin_function = void (*)(exchange&);
}
