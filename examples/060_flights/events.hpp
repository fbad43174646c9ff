// What happens in this program. Whoever takes part knows these and nothing else.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

namespace flights {

using minute = std::chrono::sys_time<std::chrono::minutes>;

// A departure or an arrival concerns one airport: the one where it happens.
struct departed {
    static constexpr std::string_view event_type = "flight.departed";
    std::string airport;
    std::string to;
    minute time;
    int delay = 0;  // in minutes; less than 0 is early
};

struct arrived {
    static constexpr std::string_view event_type = "flight.arrived";
    std::string airport;
    std::string from;
    minute time;
};

// That a line cannot be read is news as well: so it is never lost silently.
struct line_rejected {
    static constexpr std::string_view event_type = "line.rejected";
    std::size_t line = 0;
    std::string reason;
};

struct progress_made {
    static constexpr std::string_view event_type = "progress.made";
    std::size_t percent = 0;
};

}  // namespace flights
