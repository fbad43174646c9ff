/// A local copy of somebody else's state, kept up by their events.
#pragma once

#include <tidings/consumer/apply_result.hpp>
#include <tidings/consumer/conflict_policy.hpp>
#include <tidings/consumer/detail/replica_record.hpp>
#include <tidings/consumer/detail/replica_state.hpp>
#include <tidings/consumer/replica_options.hpp>
#include <tidings/consumer/replica_snapshot.hpp>
#include <tidings/consumer/replica_stats.hpp>
#include <tidings/consumer/versioned_value.hpp>

#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace tidings {

/// Applies updates that carry a version, each once, whatever order they come in, and however often: `Conflicts` says
/// what is later (see conflict_policy.hpp). Replicas that were offered the same updates hold the same, unless one was
/// told `gap` or `full`, or forgot a tombstone too soon; stats() count all three.
///
/// A change handler `(key, before, after)`, each a shared_ptr<const V> that is null where there is no value, is called
/// on the thread that applied the change, before apply() returns; for each key one at a time and in order. Changes that
/// come while it runs, from other threads or from inside, are told by the same thread afterwards, as one. So `before`
/// is always what was `after` the last time. It may do anything with the replica, and destroy it: then nobody is told
/// of anything any more. What it throws is counted, and given to replica_options::on_failure; the change stands.
///
/// Thread-safe, but for its destruction. A read gives a value as it was at one moment, that nobody changes any more,
/// for as long as it is held. No lock is held while user code runs: hash and comparison of keys, moves, copies and
/// destructors, the policy, handlers. Where threads apply to one key at the same time, the merge may be called once
/// more than it counts. All operations take O(log n) in the keys under a lock, without allocation, and O(k) in the keys
/// with the same hash.
template <class K, class V, conflict_policy Conflicts = newest_version>
class replica {
    static_assert(std::is_object_v<V> && !std::is_const_v<V> && !std::is_volatile_v<V> && std::move_constructible<V>,
                  "tidings: the value of a replica is an object that can be moved");
    static_assert(
        std::move_constructible<K> && std::equality_comparable<K> && requires(const K& key) {
            { std::hash<K>{}(key) } -> std::convertible_to<std::size_t>;
        }, "tidings: the key of a replica can be moved, and needs == and a std::hash");

public:
    using version = typename Conflicts::version_type;
    using value_ptr = std::shared_ptr<const V>;
    using snapshot_type = replica_snapshot<K, V, version>;

    struct update {
        K key;
        tidings::replica<K, V, Conflicts>::version version;
        std::optional<V> value;  ///< none: the key is removed
    };

    /// Throws std::bad_alloc, and what copying the policy throws.
    explicit replica(const replica_options& how = {}, Conflicts conflicts = Conflicts())
        : state_{std::make_shared<state>(how, nullptr, std::move(conflicts))} {}

    /// With a change handler. Throws what copying that throws, too.
    template <class F>
        requires(!std::is_same_v<std::remove_cvref_t<F>, Conflicts>)
    replica(const replica_options& how, F&& on_change, Conflicts conflicts = Conflicts()) {
        constexpr bool callable = std::is_invocable_v<std::decay_t<F>&, const K&, const value_ptr&, const value_ptr&>;
        static_assert(callable,
                      "tidings: a change handler takes (const K& key, const std::shared_ptr<const V>& before, const "
                      "std::shared_ptr<const V>& after)");
        if constexpr (callable) state_ = std::make_shared<state>(how, std::forward<F>(on_change), std::move(conflicts));
    }

    ~replica() { state_->close(); }
    replica(const replica&) = delete;
    replica& operator=(const replica&) = delete;

    /// Takes in an update, or says why not. When it returns `applied`, find() gives the new value, or a later one.
    ///
    /// Throws std::bad_alloc and what the hash, moves, comparisons and merges throw; then nothing has changed. Does not
    /// block, but for the handler that it calls. Allocates.
    apply_result apply(update u) {
        value_ptr value;
        if (u.value) value = std::make_shared<const V>(std::move(*u.value));
        return apply(std::move(u.key), {std::move(u.version), std::move(value)}, replica_detail::arrival::update);
    }

    /// The same for a removal. The key is remembered as replica_options::tombstones says, whether it had a value or
    /// not.
    apply_result remove(K key, version v) {
        return apply(std::move(key), {std::move(v), nullptr}, replica_detail::arrival::update);
    }

    /// The value, or null. Neither copies V nor allocates.
    value_ptr find(const K& key) const {
        const auto known = state_->find(key);
        return known != nullptr ? known->value : nullptr;
    }

    /// What the value is made of: one version, unless some are concurrent; none, if nothing is known of the key. A
    /// removal is a version without a value. Throws std::bad_alloc.
    std::vector<versioned_value<V, version>> siblings(const K& key) const {
        const auto known = state_->find(key);
        if (known == nullptr) return {};
        return known->siblings;
    }

    /// All that is known, for a newcomer. Who subscribes first, keeps what comes, loads this, and then applies what was
    /// kept and all that follows, has lost nothing; what is in both is a duplicate. Each key is as it was at some
    /// moment during the call, and later updates of other keys may be in it: their versions say so. Others go on
    /// meanwhile. Values are shared, not copied. Linear in the keys. Throws std::bad_alloc, and what copying a key
    /// throws.
    snapshot_type snapshot() const
        requires std::copy_constructible<K>
    {
        snapshot_type all;
        replica_detail::place from;
        for (auto each = state_->next(from); each.at != nullptr; each = state_->next(from))
            all.entries.push_back({each.at->key, each.now->siblings, each.now->held});
        return all;
    }

    /// Takes in what another replica knows, beside what this one knows: each version is offered as by apply(), but that
    /// with in_sequence those before it count as applied, too. May be called at any time, and again. Returns how many
    /// versions found no room (`full` or `gap`); with 0, all is in. What throws leaves the versions before it loaded.
    std::size_t load(const snapshot_type& all)
        requires std::copy_constructible<K>
    {
        std::size_t refused = 0;
        const auto home = state_;
        const auto offer = [&](const K& key, const auto& versions, replica_detail::arrival how) {
            for (const auto& each : versions) {
                const apply_result result = home->apply(K{key}, each, how);
                if (result == apply_result::full || result == apply_result::gap) ++refused;
            }
        };
        for (const auto& each : all.entries) {
            offer(each.key, each.siblings, replica_detail::arrival::state);
            offer(each.key, each.held, replica_detail::arrival::update);
        }
        return refused;
    }

    /// Forgets the tombstones that are too old, all of them; each update forgets up to two by itself. Returns how many.
    std::size_t forget() { return state_->forget(); }

    /// Exact at the moment of the call.
    replica_stats stats() const { return state_->stats(); }

private:
    using state = replica_detail::state<K, V, Conflicts>;

    apply_result apply(K&& key, const versioned_value<V, version>& incoming, replica_detail::arrival how) {
        const auto home = state_;  // a change handler may destroy the replica
        return home->apply(std::move(key), incoming, how);
    }

    std::shared_ptr<state> state_;
};

}  // namespace tidings
