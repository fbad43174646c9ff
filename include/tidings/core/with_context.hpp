/// Publishing on behalf of what happened outside of the bus.
#pragma once

#include <tidings/base/attachment.hpp>
#include <tidings/base/domain.hpp>
#include <tidings/base/event_registry.hpp>
#include <tidings/base/publisher.hpp>
#include <tidings/base/sync.hpp>
#include <tidings/core/context.hpp>
#include <tidings/core/event_id.hpp>
#include <tidings/core/lineage.hpp>
#include <tidings/core/publish.hpp>

#include <type_traits>
#include <utility>

namespace tidings {

namespace detail {

/// An open slot that looks, to who asks for the cause of an event, like a publish around it; to who waits, like
/// nothing. Not for another thread than the one that made it.
class outside_frame {
public:
    /// Throws std::bad_alloc.
    explicit outside_frame(const lineage& from)
        : here_{base::domain::here()}, frame_{(*here_).next_slot()}, options_{.correlation_id = from.correlation_id} {
        const event_id cause = from.causation_id != event_id{} ? from.causation_id : id_around(*here_);
        frame_.table.store(&base::process_wide<outside_table>().table, base::store_order);
        (*here_).open(frame_, base::publisher::outside());
        frame_.options = &options_;
        frame_.id_high = cause.high();
        frame_.id_low = cause.low();
        frame_.tally.has_id = 1;  // also nil: then the event has no cause
    }
    ~outside_frame() {
        frame_.options = nullptr;
        frame_.tally = {};
        (*here_).close(frame_);
    }
    outside_frame(const outside_frame&) = delete;
    outside_frame& operator=(const outside_frame&) = delete;

private:
    static event_id id_around(base::publisher& self) {
        base::slot* const around = self.innermost_publish();
        return around != nullptr ? context{*around}.id() : event_id{};
    }

    /// Has a type, as the tables of publishes have.
    struct outside_table {
        base::event_entry type{};
        base::table_base table{&type, nullptr};
    };

    const base::attachment here_;
    base::slot& frame_;
    const publish_options options_;
};

template <class R>
concept awaitable = requires(R&& r) { std::forward<R>(r).await_ready(); } ||
                    requires(R&& r) { std::forward<R>(r).operator co_await(); };

}  // namespace detail

/// Calls `body()` and returns what it returns. What is published, or set to be published later, on this thread
/// meanwhile and leaves out its correlation or causation inherits those of `from`, on whichever bus.
///
/// Not what handlers publish: that comes from their event. Inside a handler, or inside another call of this, the
/// innermost counts; what is nil in it comes from around it, and where all is nil it is as if `body` were called
/// alone. A correlation that nobody gives is the causation. Other threads are not concerned, also if `body` starts
/// them; what `body` returns and runs later is not either.
/// Whatever may be done outside of a handler may be done in `body`: drain(), reset(), destroying the bus. Nobody waits
/// for its end. What it throws comes out.
/// Publishing inside costs what publishing inside a handler costs. Allocates, and may throw std::bad_alloc before
/// `body` is called, where a thread publishes for the first time or nests deeper than before.
template <class F>
decltype(auto) with_context(const lineage& from, F&& body) {
    static_assert(std::is_invocable_v<F>, "tidings: with_context(lineage, body) calls body without arguments");
    static_assert(!detail::awaitable<std::invoke_result_t<F>>,
                  "tidings: with_context ends when body returns; a coroutine goes on later, and outside of it");
    if (from == lineage{}) return std::forward<F>(body)();
    const detail::outside_frame inside{from};
    return std::forward<F>(body)();
}

}  // namespace tidings
