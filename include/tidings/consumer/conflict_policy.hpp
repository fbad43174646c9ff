/// Which of two versions of a key stays.
#pragma once

#include <tidings/base/function.hpp>
#include <tidings/consumer/vector_clock.hpp>
#include <tidings/consumer/write_stamp.hpp>

#include <algorithm>
#include <compare>
#include <concepts>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace tidings {

/// What decides between versions: their order. Those that are less have been seen by whoever wrote the greater one, and
/// go; equal ones are the same write; unordered ones are concurrent, and stay beside each other. Ours are below. One of
/// your own may add, each `const`, and called by several threads at once with no lock held:
/// `first`, if versions are unsigned numbers without gaps that begin with it; `before(version, version)`, a total
/// order in which to look at concurrent ones; `merge_concurrent(value, value)`, which makes one value of theirs;
/// `merge_equal(value, value)` for two values of equal versions.
template <class P>
concept conflict_policy = std::copy_constructible<P> && std::copy_constructible<typename P::version_type> &&
                          std::default_initializable<typename P::version_type> &&
                          std::three_way_comparable<typename P::version_type, std::partial_ordering>;

/// The owner of a key counts its versions; the highest wins, and those between may never come: each update carries all
/// of the state. M. Fowler, "What do you mean by 'Event-Driven'?", 2017: event-carried state transfer.
struct newest_version {
    using version_type = std::uint64_t;
};

/// The owner of a key counts its versions from 1; each is applied after the one before, and waits for it.
struct in_sequence {
    using version_type = std::uint64_t;
    static constexpr version_type first = 1;
};

/// Several writers; the latest write wins, and of those at one time that of the writer with the highest number. Writes
/// that are overtaken are lost, and a writer whose clock is ahead wins for as long. M. Shapiro et al., "Conflict-free
/// Replicated Data Types", 2011: the LWW register.
struct last_writer_wins {
    using version_type = write_stamp;
};

/// Several writers; of concurrent writes all are kept until one comes that has seen them. What find() gives is the same
/// one in every replica; siblings() gives all. A value that is concurrent with a removal stays. M. Shapiro et al.,
/// "Conflict-free Replicated Data Types", 2011: the multi-value register.
struct keep_siblings {
    using version_type = vector_clock;

    static bool before(const vector_clock& a, const vector_clock& b) noexcept {
        const auto all = a.entries();
        const auto others = b.entries();
        return std::lexicographical_compare(all.begin(), all.end(), others.begin(), others.end());
    }
};

/// The same, but that find() gives what `Merge` makes of concurrent values, `V merge(const V&, const V&)`, from the
/// first to the last in an order that is that of every replica. It has to give the same for the same, and no more.
template <class Merge>
class merge_siblings {
public:
    using version_type = vector_clock;

    explicit merge_siblings(Merge merge = {}) : merge_{std::move(merge)} {}

    static bool before(const vector_clock& a, const vector_clock& b) noexcept { return keep_siblings::before(a, b); }

    template <class V>
    V merge_concurrent(const V& a, const V& b) const {
        static_assert(std::is_invocable_r_v<V, const Merge&, const V&, const V&>,
                      "tidings: a merge function makes one value of two, V (const V&, const V&), and is const");
        return base::invoke(merge_, a, b);
    }

private:
    [[no_unique_address]] Merge merge_;
};

/// Values that can be merged in any order: within a generation, a number, each update is merged into what is there, a
/// removal ends the generation, and a higher one replaces it. `Merge` has to be commutative, associative and
/// idempotent, as the union of sets is; replicas differ otherwise. Values need ==, which tells that nothing is new. M.
/// Shapiro et al., "Conflict-free Replicated Data Types", 2011: state-based objects.
template <class Merge>
class merge_values {
public:
    using version_type = std::uint64_t;

    explicit merge_values(Merge merge = {}) : merge_{std::move(merge)} {}

    template <class V>
    V merge_equal(const V& a, const V& b) const {
        static_assert(std::is_invocable_r_v<V, const Merge&, const V&, const V&>,
                      "tidings: a merge function makes one value of two, V (const V&, const V&), and is const");
        static_assert(std::equality_comparable<V>,
                      "tidings: merge_values needs ==, to tell that a merge brought nothing new");
        return base::invoke(merge_, a, b);
    }

private:
    [[no_unique_address]] Merge merge_;
};

}  // namespace tidings
