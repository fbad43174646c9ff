/// One subscription's half of the bus: its handler, and what is counted of it.
#pragma once

#include <tidings/base/runnable.hpp>
#include <tidings/base/sync.hpp>
#include <tidings/core/context.hpp>
#include <tidings/core/detail/handler.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace tidings::detail {

class bus_state;
class channel;
struct handler_node;
struct handler_entry;
struct queued_node;
enum class table_walk : std::uint8_t;

/// Calls the handler of `entry`, which is `node` and which the slot names, with the event under way; and then those of
/// the same type that follow it, as long as `walk` says runs. A loop that the compiler sees through costs less than a
/// call through a pointer for each. Returns the entry after the last one, which the slot may name already.
using run_function = const handler_entry* (*)(handler_node* node, base::slot&, const void* event,
                                              const handler_entry* entry,
                                              const base::atomic<table_walk>& walk) noexcept;

/// The handler stands behind it in the same block of memory, and is destroyed at the barrier; the node stays for as
/// long as the subscription, a table that lists it, or a thread that ends it.
struct handler_node : base::runnable {
    handler_node(end_function destroy, std::size_t alignment, std::string_view subscriber, int order, bus_state& owner,
                 run_function run_of_its_type, queued_node* queued_self = nullptr)
        : runnable{destroy},
          call_run{run_of_its_type},
          name{subscriber},
          bus{&owner},
          queued{queued_self},
          priority{order},
          block_alignment{alignment} {}

    /// Frees the block; `Node` is what the node is: this, or a queued_node. The handler is destroyed already: its type
    /// may be unknown here, and its code unloaded.
    template <class Node>
    static void free(Node* node) noexcept {
        const std::align_val_t alignment{node->block_alignment};
        node->~Node();
        ::operator delete(static_cast<void*>(node), alignment);
    }

    const run_function call_run;  ///< null: it is called alone
    const std::string name;
    bus_state* const bus;       ///< counted
    queued_node* const queued;  ///< the node itself, if events come to it through a queue
    channel* home = nullptr;    ///< set when the node is listed; lives as long as the bus state
    const int priority;
    const std::size_t block_alignment;

    base::atomic<std::uint32_t> references{1};
    base::atomic<std::uint64_t> failed{0};
    base::atomic<std::uint64_t> missed{0};  ///< publishes that came to it and were not handled: inactive, declined

    // Guarded by the bus state's mutex.
    std::uint64_t passed = 0;    ///< publishes with tables that are freed
    std::uint64_t number = 0;    ///< in the order of subscription, for each channel
    std::uint32_t listings = 0;  ///< tables that list this node
    handler_node* next_closing = nullptr;
    bool closing = false;  ///< ~bus waits for it
};

/// A node with its handler, which is called as `handler(event, frame)` and returns a base::outcome.
template <event E, class Handler>
struct stored_handler : handler_node {
    /// Throws std::bad_alloc and what moving the handler throws; then nothing is left.
    static stored_handler* make(std::string_view subscriber, int order, bus_state& owner, Handler&& handler) {
        constexpr std::size_t alignment =
            alignof(stored_handler) > alignof(std::max_align_t) ? alignof(stored_handler) : alignof(std::max_align_t);
        struct block {
            void* memory = ::operator new(sizeof(stored_handler), std::align_val_t{alignment});
            ~block() {
                if (memory != nullptr) ::operator delete(memory, std::align_val_t{alignment});
            }
        } fresh;
        auto* made = ::new (fresh.memory) stored_handler{alignment, subscriber, order, owner, std::move(handler)};
        fresh.memory = nullptr;
        return made;
    }

    /// A call_function.
    static void call(handler_node& node, base::slot& frame, const void* event) noexcept;

private:
    void handle(base::slot& frame, const void* event) noexcept;

    /// A run_function.
    static const handler_entry* run_on(handler_node* node, base::slot& frame, const void* event,
                                       const handler_entry* entry, const base::atomic<table_walk>& walk) noexcept;

    stored_handler(std::size_t alignment, std::string_view subscriber, int order, bus_state& owner, Handler&& source)
        : handler_node{&destroy, alignment, subscriber, order, owner, &run_on}, handler{std::move(source)} {}

    static void destroy(runnable& self) noexcept { static_cast<stored_handler&>(self).handler.~Handler(); }

    union {  // destroyed by destroy()
        Handler handler;
    };
};

}  // namespace tidings::detail
