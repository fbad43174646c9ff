/// Gives each event type a small number, the same in every shared library of the process.
#pragma once

#include <tidings/base/sync.hpp>
#include <tidings/base/type_name.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace tidings::base {

/// What is known of an event type without its definition.
struct event_traits {
    std::string_view type;   ///< the compiler's name for it
    std::string_view event;  ///< what it is called: its `event_type`, or else the type's name
    std::size_t size = 0;
    std::size_t alignment = 0;
    const void* identity = nullptr;  ///< an address of its own in each shared library

    /// Size and alignment are compared too: two libraries built from different versions of a header must not read
    /// each other's events. The address alone says nothing: a library that is loaded where another was unloaded has
    /// its addresses.
    friend bool operator==(const event_traits& a, const event_traits& b) noexcept {
        return a.type == b.type && a.size == b.size && a.alignment == b.alignment &&
               (a.identity == b.identity || names_one_type(a.type));
    }
};

/// A registered event type. It lives, with its texts, as long as the process: the library that registered it may
/// be unloaded.
struct event_entry {
    std::uint32_t index;  ///< from 1
    std::string type;
    std::string event;
    event_traits traits;
};

class event_registry {
public:
    /// The entry of `traits`, made at the first call. Throws std::bad_alloc. Thread-safe; linear in the number of
    /// event types, and called once for each type and library.
    const event_entry& find_or_add(const event_traits& traits) {
        std::lock_guard lock{mutex_};
        for (const auto& entry : entries_)
            if (entry->traits == traits) return *entry;
        const auto number = static_cast<std::uint32_t>(entries_.size() + 1);
        auto& entry = entries_.emplace_back(std::make_unique<event_entry>(
            event_entry{number, std::string{traits.type}, std::string{traits.event}, traits}));
        entry->traits.type = entry->type;
        entry->traits.event = entry->event;
        return *entry;
    }

private:
    mutex mutex_;
    std::vector<std::unique_ptr<event_entry>> entries_;
};

}  // namespace tidings::base
