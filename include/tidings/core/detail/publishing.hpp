/// The way of an event from publish() to the handlers of its type, or of its topic.
#pragma once

#include <tidings/base/attachment.hpp>
#include <tidings/base/config.hpp>
#include <tidings/base/domain.hpp>
#include <tidings/base/publisher.hpp>
#include <tidings/base/sync.hpp>
#include <tidings/core/any_event.hpp>
#include <tidings/core/detail/bus_state.hpp>
#include <tidings/core/detail/channel.hpp>
#include <tidings/core/detail/dispatch.hpp>
#include <tidings/core/detail/handler_table.hpp>
#include <tidings/core/detail/queued_handler.hpp>
#include <tidings/core/detail/topic_router.hpp>
#include <tidings/core/event.hpp>
#include <tidings/core/publish.hpp>

#include <cstdint>
#include <memory>
#include <type_traits>

namespace tidings::detail {

template <bool Movable, class E>
constexpr auto pack_for() noexcept {
    constexpr bool copy_is_as_good = std::is_trivially_copyable_v<E> && std::is_copy_constructible_v<E>;
    if constexpr (Movable && !copy_is_as_good && std::is_move_constructible_v<E> && alignof(E) <= 64) {
        return &pack_moved<E>;
    } else {
        return nullptr;
    }
}

template <class E>
constexpr auto copy_for() noexcept {
    if constexpr (std::is_copy_constructible_v<E> && alignof(E) <= 64) return &pack_copied<E>;
    else return nullptr;
}

template <bool Movable, class E>
publish_result publish_otherwise(bus_state& state, const E& event, const publish_options* options);

/// `event` may be moved from if Movable.
template <bool Movable, class E>
TIDINGS_INLINE publish_result publish_on(bus_state& state, const E& event, const publish_options* options) {
    require_event<E>();
    static_assert(!std::is_same_v<E, any_event>, "tidings: any_event is what handlers take; publish the event");
    base::publisher* const self = base::thread_pointer<base::publisher>::get();
    if (self == nullptr || self->fast_home() != &state.home() || self->publishing()) [[unlikely]]
        return publish_otherwise<Movable>(state, event, options);
    const std::uint32_t number = event_identity<E>::cached_near();
    const channel::place& to = state.channels().near_place(number);
    handler_table* const table = to.load(base::load_order);
    if (table == nullptr) [[unlikely]]
        return number != 0 && !state.channels().routes_topics() ? publish_result{}
                                                                : publish_otherwise<Movable>(state, event, options);
    return dispatch<true, pack_for<Movable, E>(), copy_for<E>()>(*self, self->outermost(), state, to, table,
                                                                 std::addressof(event), options);
}

/// Publishes inside a publish, from a thread that has no record yet, or any more, from a shared library with a
/// domain of its own, without asymmetric fences, or of a type that nobody subscribed to.
template <bool Movable, class E>
TIDINGS_NOINLINE publish_result publish_otherwise(bus_state& state, const E& event, const publish_options* options) {
    constexpr auto pack = pack_for<Movable, E>();
    base::domain& home = state.home();
    const bool numbered = event_identity<E>::cached() != 0 && &home == &base::domain::here();
    const std::uint32_t number = numbered ? event_identity<E>::cached() : event_identity<E>::find(home).index;
    if (state.channels().routes_topics()) state.open_for_topics(event_identity<E>::find_again(home));
    const channel::place* const to = state.channels().find(number);
    handler_table* const table = to != nullptr ? to->load(base::load_order) : nullptr;
    if (table == nullptr) return {};
    const base::attachment here{home};
    base::slot& frame = (*here).next_slot();
    (*here).open(frame, base::publisher::between());
    if (home.asymmetric())
        return dispatch<true, pack, copy_for<E>()>(*here, frame, state, *to, table, std::addressof(event), options);
    return dispatch<false, pack, copy_for<E>()>(*here, frame, state, *to, table, std::addressof(event), options);
}

template <bool Asymmetric, bool Movable, class E>
publish_result dispatch_routed(base::publisher& self, base::slot& frame, bus_state& state,
                               const base::event_entry& type, const E& event, const publish_options& options);

/// The same with a topic that the thread's publish before did not have, or elsewhere than outermost.
template <bool Movable, class E>
TIDINGS_NOINLINE publish_result publish_routed_otherwise(bus_state& state, const E& event,
                                                         const publish_options& options) {
    const base::attachment here{state.home()};
    const base::event_entry& type = event_identity<E>::find_again(state.home());
    base::slot& frame = (*here).next_slot();
    (*here).open(frame, base::publisher::between());
    if (state.home().asymmetric()) return dispatch_routed<true, Movable>(*here, frame, state, type, event, options);
    return dispatch_routed<false, Movable>(*here, frame, state, type, event, options);
}

/// Publishes an event that has a topic of its own, where there are handlers that subscribed to topics.
template <bool Movable, class E>
TIDINGS_NOINLINE publish_result publish_routed(bus_state& state, const E& event, const publish_options& options) {
    require_event<E>();
    base::publisher* const self = base::thread_pointer<base::publisher>::get();
    if (self != nullptr && self->fast_home() == &state.home() && !self->publishing()) {
        const std::uint32_t number = event_identity<E>::cached();
        if (handler_table* const table = route_cache::last(self->outermost(), state, number, options.topic))
            return dispatch<true, pack_for<Movable, E>(), copy_for<E>()>(*self, self->outermost(), state,
                                                                         state.channels().near_place(0), table,
                                                                         std::addressof(event), &options);
    }
    return publish_routed_otherwise<Movable>(state, event, options);
}

template <bool Asymmetric, bool Movable, class E>
publish_result dispatch_routed(base::publisher& self, base::slot& frame, bus_state& state,
                               const base::event_entry& type, const E& event, const publish_options& options) {
    handler_table* table = state.channels().routes()->template find<Asymmetric>(self, frame, type, options.topic);
    TIDINGS_TRY {
        if (table == nullptr) table = state.open_route(frame, type, options.topic);
    }
    TIDINGS_CATCH_ALL {
        self.close(frame);
        TIDINGS_RETHROW;
    }
    if (table == nullptr || table->size() == 0) {
        self.close(frame);
        return {};
    }
    const channel::place& unused = state.channels().near_place(0);  // the slot names the table already
    return dispatch<Asymmetric, pack_for<Movable, E>(), copy_for<E>()>(self, frame, state, unused, table,
                                                                       std::addressof(event), &options);
}

template <bool Movable>
struct publish_later {
    template <class E>
    void operator()(bus_state& state, E& event, const publish_options& options) const {
        if (!options.topic.empty() && state.channels().routes_topics()) publish_routed<Movable>(state, event, options);
        else publish_on<Movable>(state, event, &options);
    }
};

}  // namespace tidings::detail
