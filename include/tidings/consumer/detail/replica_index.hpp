/// The keys of a replica, what is known of each, and the account of it all.
#pragma once

#include <tidings/base/brief_lock.hpp>
#include <tidings/base/sync.hpp>
#include <tidings/consumer/apply_result.hpp>
#include <tidings/consumer/detail/replica_account.hpp>
#include <tidings/consumer/detail/replica_entry.hpp>
#include <tidings/consumer/detail/tombstone_list.hpp>
#include <tidings/consumer/replica_options.hpp>
#include <tidings/consumer/replica_stats.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>

namespace tidings::replica_detail {

/// Guarded by one lock, which is held for some instructions and log n comparisons of numbers. Nothing is allocated and
/// no user code runs under it: what leaves is destroyed by whoever called, afterwards.
template <class K, class V, class Version>
class index {
public:
    using entry = replica_detail::entry<K, V, Version>;
    using record = typename entry::record;
    using change = replica_detail::change<record>;
    using entries = std::map<place, std::shared_ptr<entry>>;
    using node = typename entries::node_type;

    struct found {
        std::shared_ptr<entry> at{};  // null: none is left
        std::shared_ptr<const record> now{};
    };

    enum class committed : std::uint8_t { done, done_and_tell, outrun, refused };

    index(const replica_options& how, bool tells)
        : tombstones_{how.tombstones}, age_{how.tombstone_age}, account_{how.capacity, how.held}, tells_{tells} {}

    /// A node to commit a new key with.
    static node make_node(K&& key, std::size_t hash) {
        entries one;
        one.emplace(place{.hash = hash}, std::make_shared<entry>(std::move(key), hash));
        return one.extract(one.begin());
    }

    /// The next entry of the hash in `from`, which then is behind it.
    found next_of_hash(place& from) const {
        const base::brief_lock lock{mutex_};
        const auto at = entries_.lower_bound(from);
        if (at == entries_.end() || at->first.hash != from.hash) return {};
        from.serial = at->first.serial + 1;
        return {at->second, at->second->now};
    }

    /// The next entry of all, from `from` on, which then is behind it.
    found next(place& from) const {
        const base::brief_lock lock{mutex_};
        const auto at = entries_.lower_bound(from);
        if (at == entries_.end()) return {};
        from = {at->first.hash, at->first.serial + 1};
        return {at->second, at->second->now};
    }

    /// What is known now; null if the entry is gone.
    std::shared_ptr<const record> read(const entry& e) const {
        const base::brief_lock lock{mutex_};
        return e.gone ? nullptr : e.now;
    }

    /// Puts `c.next` in the place of `c.expected`, if that is still there, and if there is room. Where it is refused,
    /// `c` says why. A new key comes as the entry in `fresh`, to stand at `end`, where the search for it ended.
    committed commit(entry& e, change& c, node& fresh, place end, time_point now) {
        std::array<node, 2> graves;  // the destructors run without the lock
        std::shared_ptr<const record> old;
        const base::brief_lock lock{mutex_};
        const bool is_new = c.expected == nullptr;
        if (is_new) {
            const auto at = entries_.lower_bound(end);
            if (at != entries_.end() && at->first.hash == end.hash) return committed::outrun;
        } else if (e.now != c.expected || e.gone) {
            return committed::outrun;
        }
        if (!account_.admit(c)) return committed::refused;
        if (is_new) {
            e.at.serial = ++last_serial_;
            fresh.key() = e.at;
            entries_.insert(std::move(fresh));
        }
        old = std::exchange(e.now, c.next);
        e.doomed = false;
        list_.remove(e);
        if (e.now->tombstone()) list_.push(e, now);
        const bool tell = tells_ && !e.telling && e.told != e.now->value;
        if (tell) e.telling = true;
        for (node& grave : graves) {
            if (!forget_one(now, grave)) break;
        }
        return tell ? committed::done_and_tell : committed::done;
    }

    /// Counts an update that changed nothing.
    void count(apply_result result) {
        const base::brief_lock lock{mutex_};
        account_.add(result);
    }

    /// What to tell of the key next; false: nothing, and whoever changes the key from then on tells of it.
    bool next_change(entry& e, std::shared_ptr<const V>& before, std::shared_ptr<const V>& after) {
        node grave;
        before.reset();  // the destructors run without the lock
        after.reset();
        const base::brief_lock lock{mutex_};
        if (!tells_ || e.told == e.now->value) {
            e.telling = false;
            if (e.doomed) bury(e, grave);
            return false;
        }
        before = std::exchange(e.told, e.now->value);
        after = e.told;
        account_.told();
        return true;
    }

    /// One tombstone less that is too old; false: there is none.
    bool forget(time_point now) {
        node grave;
        const base::brief_lock lock{mutex_};
        return forget_one(now, grave);
    }

    /// Nobody is told of anything any more.
    void close() noexcept {
        const base::brief_lock lock{mutex_};
        tells_ = false;
    }

    replica_stats stats() const {
        const base::brief_lock lock{mutex_};
        replica_stats all = account_.stats();
        all.tombstones = list_.size();
        return all;
    }

    void count_failure() noexcept {
        const base::brief_lock lock{mutex_};
        account_.failed();
    }

private:
    bool forget_one(time_point now, node& grave) noexcept {
        tombstone* const oldest = list_.oldest();
        if (oldest == nullptr) return false;
        const time_point end = later(oldest->removed, age_);
        const bool too_old = end <= now && end != time_point::max();
        if (list_.size() <= tombstones_ && !too_old) return false;
        auto& e = static_cast<entry&>(*oldest);
        list_.remove(e);
        account_.forgotten();
        if (e.telling) e.doomed = true;
        else bury(e, grave);
        return true;
    }

    void bury(entry& e, node& grave) noexcept {
        account_.discarded(e.now->held.size());
        e.gone = true;
        grave = entries_.extract(e.at);
    }

    const std::size_t tombstones_;
    const duration age_;

    mutable base::mutex mutex_;
    entries entries_;
    tombstone_list list_;
    replica_account account_;
    std::uint64_t last_serial_ = 0;
    bool tells_;
};

}  // namespace tidings::replica_detail
