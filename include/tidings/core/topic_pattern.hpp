/// What a subscriber of many event types names; tidings::topic is one.
#pragma once

#include <concepts>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace tidings {

/// A set of topics, with a text that says which, and an index of many such texts: see topic_index.
///
/// The bus calls all of it while it holds its own lock: a kind of pattern must not use the bus, nor wait for who does.
template <class P>
concept topic_pattern = requires(const P& pattern, std::string_view name) {
    { pattern.matches(name) } noexcept -> std::convertible_to<bool>;
    { pattern.text() } noexcept -> std::convertible_to<std::string_view>;
    { P::is_name(name) } noexcept -> std::convertible_to<bool>;  // whether an event may have that topic
    typename P::template index<int>;
};

namespace detail {

struct handler_node;

/// The handlers of all patterns of one kind.
class pattern_index {
public:
    virtual ~pattern_index() = default;
    pattern_index() = default;
    pattern_index(const pattern_index&) = delete;
    pattern_index& operator=(const pattern_index&) = delete;

    /// Throws std::bad_alloc and has added nothing then.
    virtual void add(std::string_view pattern, handler_node& node) = 0;
    virtual void remove(std::string_view pattern, handler_node& node) noexcept = 0;
    /// Adds those that the topic fits to `found`. Throws std::bad_alloc.
    virtual void match(std::string_view topic, std::vector<handler_node*>& found) const = 0;
    virtual bool is_name(std::string_view topic) const noexcept = 0;
};

/// A pattern of any kind.
class pattern {
public:
    virtual ~pattern() = default;
    pattern() = default;
    pattern(const pattern&) = delete;
    pattern& operator=(const pattern&) = delete;

    virtual bool matches(std::string_view topic) const noexcept = 0;
    virtual std::string_view text() const noexcept = 0;

    /// Kinds with one name have one index.
    virtual std::string_view kind() const noexcept = 0;
    virtual std::unique_ptr<pattern_index> make_index() const = 0;
};

}  // namespace detail
}  // namespace tidings
