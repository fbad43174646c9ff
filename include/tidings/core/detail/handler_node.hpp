/// One subscription's half of the bus: its handler, and what is counted of it.
#pragma once

#include <tidings/base/runnable.hpp>
#include <tidings/base/sync.hpp>
#include <tidings/core/context.hpp>
#include <tidings/core/detail/handler.hpp>
#include <tidings/core/topic_pattern.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
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

/// Calls the handler of `entry`, which is the node and which the slot names, with the event under way. Returns the
/// entry after it or, if it calls more of them, after the last one, which the slot may name already.
using call_function = const handler_entry* (*)(handler_node&, base::slot&, const void* event,
                                               const handler_entry* entry) noexcept;

/// The handler stands behind it in the same block of memory, and is destroyed at the barrier; the node stays for as
/// long as the subscription, a table that lists it, or a thread that ends it.
struct handler_node : base::runnable {
    handler_node(end_function destroy, std::size_t alignment, std::string_view subscriber, int order, bus_state& owner,
                 call_function alone, call_function in_a_run, queued_node* queued_self = nullptr)
        : runnable{destroy},
          call{alone},
          call_run{in_a_run},
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

    const call_function call;
    /// Where handlers that have the same one stand next to each other, one call for all of them: a loop that the
    /// compiler sees through costs less than a call through a pointer for each.
    const call_function call_run;
    const std::string name;
    bus_state* const bus;       ///< counted
    queued_node* const queued;  ///< the node itself, if events come to it through a queue
    channel* home = nullptr;    ///< set when the node is listed, if it has no pattern; lives as long as the bus state
    /// Of a handler that subscribed to topics, set before it is listed; null: it gets one event type, whatever the
    /// topic.
    std::unique_ptr<const pattern> routed;
    const base::event_entry* only = nullptr;  ///< with a pattern: null, or the one event type that it gets
    const int priority;
    const std::size_t block_alignment;

    base::atomic<std::uint32_t> references{1};
    base::atomic<std::uint64_t> failed{0};
    base::atomic<std::uint64_t> missed{0};  ///< publishes that came to it and were not handled: inactive, declined

    // Guarded by the bus state's mutex.
    std::uint64_t passed = 0;    ///< publishes with tables that are freed
    std::uint64_t number = 0;    ///< in the order of subscription
    std::size_t place = 0;       ///< the router's, with a pattern
    std::uint32_t listings = 0;  ///< tables that list this node
    handler_node* next_closing = nullptr;
    bool closing = false;  ///< ~bus waits for it
};

/// A node with its handler, which is called as `handler(event, frame)` and returns a base::outcome.
template <event E, class Handler>
struct stored_handler : handler_node {
    /// `asymmetric` is what the domain is. Throws std::bad_alloc and what moving the handler throws; then nothing is
    /// left.
    static stored_handler* make(std::string_view subscriber, int order, bus_state& owner, bool asymmetric,
                                Handler&& handler) {
        constexpr std::size_t alignment =
            alignof(stored_handler) > alignof(std::max_align_t) ? alignof(stored_handler) : alignof(std::max_align_t);
        struct block {
            void* memory = ::operator new(sizeof(stored_handler), std::align_val_t{alignment});
            ~block() {
                if (memory != nullptr) ::operator delete(memory, std::align_val_t{alignment});
            }
        } fresh;
        auto* made =
            ::new (fresh.memory) stored_handler{alignment, subscriber, order, owner, asymmetric, std::move(handler)};
        fresh.memory = nullptr;
        return made;
    }

    static const handler_entry* call_one(handler_node& node, base::slot& frame, const void* event,
                                         const handler_entry* entry) noexcept;

    template <bool Asymmetric>
    static const handler_entry* call_all(handler_node& node, base::slot& frame, const void* event,
                                         const handler_entry* entry) noexcept;

private:
    void handle(base::slot& frame, const void* event) noexcept;

    stored_handler(std::size_t alignment, std::string_view subscriber, int order, bus_state& owner, bool asymmetric,
                   Handler&& source)
        : handler_node{&destroy,
                       alignment,
                       subscriber,
                       order,
                       owner,
                       &call_one,
                       asymmetric ? &call_all<true> : &call_all<false>},
          handler{std::move(source)} {}

    static void destroy(runnable& self) noexcept { static_cast<stored_handler&>(self).handler.~Handler(); }

    union {  // destroyed by destroy()
        Handler handler;
    };
};

}  // namespace tidings::detail
