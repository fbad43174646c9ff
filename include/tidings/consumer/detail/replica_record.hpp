/// What is known of one key, and what an update makes of it.
#pragma once

#include <tidings/consumer/apply_result.hpp>
#include <tidings/consumer/conflict_policy.hpp>
#include <tidings/consumer/versioned_value.hpp>

#include <algorithm>
#include <compare>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

namespace tidings::replica_detail {

template <class P>
concept sequenced = requires { P::first; };

template <class P, class V>
concept merging_siblings = requires(const P& p, const V& v) { p.merge_concurrent(v, v); };

template <class P, class V>
concept merging_values = requires(const P& p, const V& v) { p.merge_equal(v, v); };

/// Does not change once others can see it.
template <class V, class Version>
struct record {
    using known = versioned_value<V, Version>;

    std::vector<known> siblings{};     // none of them less than another; in the policy's order
    std::vector<known> held{};         // by version; all beyond a gap
    std::shared_ptr<const V> value{};  // what find() gives

    bool tombstone() const noexcept { return !siblings.empty() && value == nullptr; }
};

struct limits {
    std::size_t siblings = 1;
    std::size_t held = 0;
};

/// How a version comes: as one update of many, or as the outcome of all up to it.
enum class arrival : std::uint8_t { update, state };

/// A function of a record and a version to the next record. It changes nothing and takes no lock: whoever calls it puts
/// the next record in the place of the one it was made from, or tries again.
template <class V, conflict_policy P>
class joiner {
public:
    using version = typename P::version_type;
    using record = replica_detail::record<V, version>;
    using known = typename record::known;

    struct outcome {
        apply_result result = apply_result::stale;
        std::shared_ptr<const record> next{};  // null: as it was
        std::size_t superseded = 0;            // what was held, and is no more
    };

    joiner(P policy, limits most) : policy_{std::move(policy)}, most_{most} {}

    outcome join(const record* now, const known& incoming, arrival how) const {
        if constexpr (sequenced<P>) {
            if (how == arrival::update) return follow(now, incoming);
        }
        return replace(now, incoming);
    }

    /// The held version whose turn it is becomes the present one; null if there is none.
    std::shared_ptr<const record> advance(const record& now) const
        requires sequenced<P>
    {
        if (now.held.empty() || !is_next(&now, now.held.front().version)) return nullptr;
        auto next = std::make_shared<record>();
        next->siblings.push_back(now.held.front());
        next->held.assign(now.held.begin() + 1, now.held.end());
        next->value = next->siblings.front().value;
        return next;
    }

private:
    static constexpr bool partial = !std::convertible_to<std::compare_three_way_result_t<version>, std::weak_ordering>;

    static constexpr bool has_order() {
        return !partial || requires(const P& p, const version& v) {
            { p.before(v, v) } -> std::convertible_to<bool>;
        };
    }
    static_assert(has_order(),
                  "tidings: versions that may be concurrent need an order to be looked at: before(version, version)");

    static bool is_next(const record* now, const version& v) noexcept {
        if (now == nullptr || now->siblings.empty()) return v == P::first;
        const version& present = now->siblings.front().version;
        return v > present && v - present == 1;
    }

    outcome follow(const record* now, const known& incoming) const {
        const version& v = incoming.version;
        if (now != nullptr && !now->siblings.empty()) {
            const version& present = now->siblings.front().version;
            if (v <= present) return {v == present ? apply_result::duplicate : apply_result::stale};
        } else if (v < P::first) {
            return {apply_result::stale};
        }
        auto next = now != nullptr ? std::make_shared<record>(*now) : std::make_shared<record>();
        const auto at = std::lower_bound(next->held.begin(), next->held.end(), v,
                                         [](const known& k, const version& w) { return k.version < w; });
        if (at != next->held.end() && at->version == v) return {apply_result::duplicate};
        if (!is_next(now, v)) {
            if (next->held.size() >= most_.held) return {apply_result::gap};
            next->held.insert(at, incoming);
            return {apply_result::held, std::move(next)};
        }
        next->siblings.assign(1, incoming);
        next->value = incoming.value;
        return {apply_result::applied, std::move(next)};
    }

    outcome replace(const record* now, const known& incoming) const {
        auto next = std::make_shared<record>();
        if (now != nullptr) {
            for (const known& each : now->siblings) {
                const std::partial_ordering order = incoming.version <=> each.version;
                if (order == std::partial_ordering::equivalent) return same_version(*now, each, incoming);
                if (order == std::partial_ordering::less) return {apply_result::stale};
                if (order == std::partial_ordering::unordered) next->siblings.push_back(each);
            }
            next->held = now->held;
        }
        if (next->siblings.size() >= most_.siblings) return {apply_result::full};
        const bool alone = next->siblings.empty();
        auto at = next->siblings.end();
        if constexpr (partial)
            at = std::find_if(next->siblings.begin(), at,
                              [&](const known& each) { return policy_.before(incoming.version, each.version); });
        next->siblings.insert(at, incoming);
        next->value = seen(next->siblings);
        const std::size_t superseded = drop_superseded(*next);
        return {alone                    ? apply_result::applied
                : merging_siblings<P, V> ? apply_result::merged
                                         : apply_result::conflict,
                std::move(next), superseded};
    }

    outcome same_version(const record& now, const known& present, const known& incoming) const {
        if constexpr (merging_values<P, V>) {
            if (present.value == nullptr)
                return {incoming.value == nullptr ? apply_result::duplicate : apply_result::stale};
            auto next = std::make_shared<record>(now);
            next->value = incoming.value;
            if (incoming.value != nullptr) {
                next->value = std::make_shared<const V>(policy_.merge_equal(*present.value, *incoming.value));
                if (*next->value == *present.value) return {apply_result::duplicate};
            }
            next->siblings.front().value = next->value;
            return {incoming.value != nullptr ? apply_result::merged : apply_result::applied, std::move(next)};
        } else {
            return {apply_result::duplicate};
        }
    }

    /// Computed anew from all siblings: were it merged into, with the clock of both, a later write that replaces one of
    /// them would find it no more, and what is seen would depend on which came first.
    std::shared_ptr<const V> seen(const std::vector<known>& siblings) const {
        std::shared_ptr<const V> all;
        for (const known& each : siblings) {
            if (each.value == nullptr) continue;
            if (all == nullptr) {
                all = each.value;
            } else if constexpr (merging_siblings<P, V>) {
                all = std::make_shared<const V>(policy_.merge_concurrent(*all, *each.value));
            }
        }
        return all;
    }

    static std::size_t drop_superseded(record& next) noexcept {
        if constexpr (sequenced<P>) {
            const version& present = next.siblings.front().version;
            return std::erase_if(next.held, [&](const known& each) { return each.version <= present; });
        } else {
            return 0;
        }
    }

    const P policy_;
    const limits most_;
};

}  // namespace tidings::replica_detail
