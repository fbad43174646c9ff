/// What a replica is made of, and what a change handler may outlive it with.
#pragma once

#include <tidings/base/config.hpp>
#include <tidings/base/function.hpp>
#include <tidings/base/sync.hpp>
#include <tidings/consumer/detail/replica_index.hpp>
#include <tidings/consumer/detail/replica_record.hpp>
#include <tidings/consumer/replica_options.hpp>
#include <tidings/executor/clock.hpp>

#include <algorithm>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <utility>

namespace tidings::replica_detail {

/// Updates are applied to a copy and committed if nobody was faster, else tried again: so merges, comparisons and
/// copies run without a lock.
template <class K, class V, conflict_policy P>
class state {
public:
    using joiner = replica_detail::joiner<V, P>;
    using version = typename joiner::version;
    using record = typename joiner::record;
    using known = typename joiner::known;
    using index = replica_detail::index<K, V, version>;
    using entry = typename index::entry;
    using found = typename index::found;
    using change_handler =
        base::shared_function<void(const K&, const std::shared_ptr<const V>&, const std::shared_ptr<const V>&)>;

    state(const replica_options& how, change_handler on_change, P policy)
        : joiner_{std::move(policy),
                  {.siblings = std::max<std::size_t>(how.siblings, 1), .held = std::min(how.held_per_key, how.held)}},
          on_change_{std::move(on_change)},
          on_failure_{how.on_failure},
          clock_{how.clock.port()},
          index_{how, static_cast<bool>(on_change_)} {}

    apply_result apply(K&& key, const known& incoming, arrival how) {
        place end{.hash = hash_of(key)};
        typename index::node fresh;
        const time_point now = this->now();
        for (;; end.serial = 0) {
            // NOLINTNEXTLINE(bugprone-use-after-move): it is moved into the node that is looked at from then on
            const found present = seek(fresh.empty() ? key : fresh.mapped()->key, end);
            auto made = joiner_.join(present.now.get(), incoming, how);
            if (made.next == nullptr) {
                index_.count(made.result);
                if (present.at != nullptr) settle(*present.at, now);
                return made.result;
            }
            if (present.at == nullptr && fresh.empty()) fresh = index::make_node(std::move(key), end.hash);
            const std::shared_ptr<entry> at = present.at != nullptr ? present.at : fresh.mapped();
            typename index::change change{present.now, std::move(made.next), made.result, made.superseded, false};
            const auto done = index_.commit(*at, change, fresh, end, now);
            if (done == index::committed::outrun) continue;
            if (done == index::committed::done_and_tell) tell(*at);
            if (done != index::committed::refused) settle(*at, now);
            return change.result;
        }
    }

    std::shared_ptr<const record> find(const K& key) const {
        place from{.hash = hash_of(key)};
        return seek(key, from).now;
    }

    found next(place& from) const { return index_.next(from); }

    std::size_t forget() {
        const time_point now = this->now();
        std::size_t count = 0;
        while (index_.forget(now)) ++count;
        return count;
    }

    void close() noexcept { index_.close(); }
    replica_stats stats() const { return index_.stats(); }

private:
    static std::size_t hash_of(const K& key) { return std::hash<K>{}(key); }

    time_point now() const noexcept {
        return clock_ != nullptr ? clock_->now() : time_point{base::steady_clock::now().time_since_epoch()};
    }

    /// The entry of the key; none, and then `from` is where the search ended.
    found seek(const K& key, place& from) const {
        found candidate = index_.next_of_hash(from);
        while (candidate.at != nullptr && !(candidate.at->key == key)) candidate = index_.next_of_hash(from);
        return candidate;
    }

    /// Applies what was held for the versions before it, one after another. Where that fails for want of memory, or of
    /// room, it is still held, until the next update of the key.
    void settle([[maybe_unused]] entry& at, [[maybe_unused]] time_point now) noexcept {
        if constexpr (sequenced<P>) {
            TIDINGS_TRY {
                while (advance(at, now)) {}
            }
            TIDINGS_CATCH_ALL {}
        }
    }

    bool advance(entry& at, time_point now) {
        typename index::node none;
        typename index::change change{index_.read(at), nullptr, apply_result::applied, 0, true};
        if (change.expected == nullptr) return false;
        change.next = joiner_.advance(*change.expected);
        if (change.next == nullptr) return false;
        const auto done = index_.commit(at, change, none, {}, now);
        if (done == index::committed::done_and_tell) tell(at);
        return done != index::committed::refused;
    }

    /// Whoever changes a key while its handler runs leaves it to that thread to call the handler once more: so changes
    /// are told in order, and nobody waits.
    void tell(entry& at) noexcept {
        std::shared_ptr<const V> before;
        std::shared_ptr<const V> after;
        while (index_.next_change(at, before, after)) {
            TIDINGS_TRY { on_change_(at.key, before, after); }
            TIDINGS_CATCH_ALL { report(); }
        }
    }

    void report() noexcept {
        index_.count_failure();
        if (!on_failure_) return;
        TIDINGS_TRY { on_failure_(std::current_exception()); }
        TIDINGS_CATCH_ALL {}
    }

    const joiner joiner_;
    const change_handler on_change_;
    const base::shared_function<void(const std::exception_ptr&)> on_failure_;
    const std::shared_ptr<tidings::detail::clock_port> clock_;
    index index_;
};

}  // namespace tidings::replica_detail
