// One line of text becomes typed events, or is refused with a reason.
#pragma once

#include "events.hpp"

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>

namespace webhooks {

// Lines come from the network: what they may cost is settled before they are parsed.
inline constexpr std::size_t longest_line = std::size_t{1024} * 1024;
inline constexpr int deepest_nesting = 64;

struct malformed : std::runtime_error {
    using std::runtime_error::runtime_error;
};

using event =
    std::variant<push_received, release_published, check_finished, issue_opened, pull_request_opened, only_audited>;

struct decoded {
    delivery_received delivery;
    webhooks::event event;
};

// Throws malformed.
decoded decode(std::string_view line);

// GitHub's name for what happened, such as "release.published"; empty where the line does not say.
std::string type_of(std::string_view line);

}  // namespace webhooks
