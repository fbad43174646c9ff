/// A pattern of a user's type.
#pragma once

#include <tidings/base/type_name.hpp>
#include <tidings/core/topic_pattern.hpp>

#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace tidings::detail {

template <topic_pattern P>
class stored_pattern final : public pattern {
public:
    explicit stored_pattern(P value) : value_{std::move(value)} {}
    bool matches(std::string_view topic) const noexcept override { return value_.matches(topic); }
    std::string_view text() const noexcept override { return value_.text(); }
    std::string_view kind() const noexcept override { return base::type_name<P>(); }
    std::unique_ptr<pattern_index> make_index() const override { return std::make_unique<index>(); }

private:
    class index final : public pattern_index {
        void add(std::string_view text, handler_node& node) override { nodes_.add(text, &node); }
        void remove(std::string_view text, handler_node& node) noexcept override { nodes_.remove(text, &node); }
        void match(std::string_view topic, std::vector<handler_node*>& found) const override {
            nodes_.match(topic, [&](handler_node* node) { found.push_back(node); });
        }
        bool is_name(std::string_view topic) const noexcept override { return P::is_name(topic); }

        typename P::template index<handler_node*> nodes_;
    };

    const P value_;
};

}  // namespace tidings::detail
