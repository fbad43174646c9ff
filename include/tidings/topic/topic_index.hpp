/// Many patterns at once: which of them does a name fit?
#pragma once

#include <tidings/base/config.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tidings {

/// The words of a topic, one after another.
class topic_words {
public:
    explicit topic_words(std::string_view text) noexcept : rest_{text} { cut(); }
    bool done() const noexcept { return done_; }
    std::string_view word() const noexcept { return word_; }
    void next() noexcept {
        if (last_) done_ = true;
        else cut();
    }

private:
    void cut() noexcept {
        const std::size_t dot = rest_.find('.');
        last_ = dot == std::string_view::npos;
        word_ = rest_.substr(0, dot);
        if (!last_) rest_.remove_prefix(dot + 1);
    }

    std::string_view rest_;
    std::string_view word_;
    bool last_ = false;
    bool done_ = false;
};

/// Values that stand under patterns, in a tree of words.
///
/// To find what a name fits costs its words times the places of the tree that they lead to; patterns that go another
/// way cost nothing. Each place is visited once for each word, so there is no name that takes exponential time.
/// What is removed leaves nothing behind. Not thread-safe.
template <class Value>
class topic_index {
public:
    topic_index() = default;

    /// Adds the value under the pattern, which is well-formed. Throws std::bad_alloc and has added nothing then.
    void add(std::string_view pattern, Value value) {
        std::vector<place*> made;
        place* at = &root_;
        TIDINGS_TRY {
            for (topic_words words{pattern}; !words.done(); words.next()) at = &at->open(words.word());
            at->values.push_back(std::move(value));
        }
        TIDINGS_CATCH_ALL {
            prune(pattern);
            TIDINGS_RETHROW;
        }
        ++size_;
    }

    /// Removes one such value under that pattern; returns whether there was one.
    bool remove(std::string_view pattern, const Value& value) noexcept {
        place* at = &root_;
        for (topic_words words{pattern}; !words.done() && at != nullptr; words.next()) at = at->find(words.word());
        if (at == nullptr) return false;
        for (auto each = at->values.begin(); each != at->values.end(); ++each) {
            if (!(*each == value)) continue;
            at->values.erase(each);
            --size_;
            prune(pattern);
            return true;
        }
        return false;
    }

    /// Calls `visit(value)` for every value under a pattern that the name fits, once for each time it was added.
    /// Throws std::bad_alloc, before anything was visited.
    template <class Visit>
    void match(std::string_view name, Visit visit) const {
        std::vector<const place*> at;
        std::vector<const place*> next;
        ++round_;
        reach(at, root_);
        for (topic_words words{name}; !words.done() && !at.empty(); words.next()) {
            ++round_;
            next.clear();
            for (const place* each : at) {
                if (each->is_many) reach(next, *each);
                if (const place* const literal = each->find(words.word())) reach(next, *literal);
                if (const place* const any = each->find("*")) reach(next, *any);
            }
            at.swap(next);
        }
        for (const place* each : at)
            for (const Value& value : each->values) visit(value);
    }

    /// How many values there are.
    std::size_t size() const noexcept { return size_; }
    bool empty() const noexcept { return size_ == 0; }

    /// How many places the tree has, without its root.
    std::size_t places() const noexcept { return places_of(root_); }

private:
    struct hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
    };

    struct place {
        std::unordered_map<std::string, std::unique_ptr<place>, hash, std::equal_to<>> after;
        std::vector<Value> values;
        bool is_many = false;
        mutable std::uint64_t visited = 0;  // in that round

        place* find(std::string_view word) const noexcept {
            const auto found = after.find(word);
            return found != after.end() ? found->second.get() : nullptr;
        }
        place& open(std::string_view word) {
            if (place* const known = find(word)) return *known;
            auto made = std::make_unique<place>();
            made->is_many = word == "#";
            return *after.emplace(std::string{word}, std::move(made)).first->second;
        }
        bool empty() const noexcept { return after.empty() && values.empty(); }
    };

    /// With what a `#` lets be reached without a word.
    void reach(std::vector<const place*>& to, const place& from) const {
        for (const place* each = &from; each != nullptr && each->visited != round_; each = each->find("#")) {
            to.push_back(each);
            each->visited = round_;
        }
    }

    /// Removes the places of a pattern that have become empty.
    void prune(std::string_view pattern) noexcept { prune(root_, topic_words{pattern}); }
    static void prune(place& from, topic_words words) noexcept {
        if (words.done()) return;
        const auto found = from.after.find(words.word());
        if (found == from.after.end()) return;
        words.next();
        prune(*found->second, words);
        if (found->second->empty()) from.after.erase(found);
    }

    static std::size_t places_of(const place& from) noexcept {
        std::size_t count = 0;
        for (const auto& [word, each] : from.after) count += 1 + places_of(*each);
        return count;
    }

    place root_;
    std::size_t size_ = 0;
    mutable std::uint64_t round_ = 0;
};

}  // namespace tidings
