#include <report/requirements.hpp>

#include <algorithm>
#include <optional>
#include <string>

namespace report {
namespace {

using bound = requirement::bound;

std::optional<double> against_the_loop(const results& all, const std::string& handlers,
                                       const std::string& group = "publish") {
    return all.ratio(group + "/tidings/" + handlers, group + "/function_loop/" + handlers);
}

std::optional<double> gained_by_a_second(const results& all, const std::string& handlers) {
    const std::string name = "publishers/tidings/" + handlers;
    return all.ratio(name + "/threads:1", name + "/threads:2");
}

std::optional<double> most_allocations(const results& all) {
    std::optional<double> most;
    for (const char* handlers : {"0", "1", "4", "16", "64"})
        if (const auto n = all.allocations(std::string{"publish/tidings/"} + handlers))
            most = std::max(*n, most.value_or(0));
    return most;
}

std::optional<double> growth(const results& all, const std::string& lifetimes) {
    return all.ratio("lifetimes/" + lifetimes + "/100000", "lifetimes/" + lifetimes + "/1000");
}

}  // namespace

std::vector<requirement> requirements(const results& all) {
    const std::string loop = ", against an unsynchronised loop over `std::function`";
    const std::string growing = ", one of 100,000 against one of 1,000";
    return {
        {"publish to 1 handler" + loop, bound::at_most, 2.0, "x", against_the_loop(all, "1")},
        {"publish to 4 handlers" + loop, bound::at_most, 1.1, "x", against_the_loop(all, "4")},
        {"publish to 16 handlers" + loop, bound::at_most, 1.0, "x", against_the_loop(all, "16")},
        {"publish to 64 handlers" + loop, bound::at_most, 1.0, "x", against_the_loop(all, "64")},
        {"the same, 4 handlers of different types", bound::at_most, 1.2, "x",
         against_the_loop(all, "4", "publish_differing")},
        {"the same, 16 handlers of different types", bound::at_most, 1.1, "x",
         against_the_loop(all, "16", "publish_differing")},
        {"the same, 64 handlers of different types", bound::at_most, 1.1, "x",
         against_the_loop(all, "64", "publish_differing")},
        {"publish to 1 handler, above that loop", bound::at_most, 2.5, "ns",
         all.excess("publish/tidings/1", "publish/function_loop/1")},
        {"allocations for a publish", bound::at_most, 0, "", most_allocations(all), 3},
        {"two publishers against one, 1 handler", bound::at_least, 1.8, "x", gained_by_a_second(all, "1")},
        {"two publishers against one, 4 handlers", bound::at_least, 1.8, "x", gained_by_a_second(all, "4")},
        {"100 event types in turn against one type", bound::at_most, 3.0, "x",
         all.ratio("event_types/100", "event_types/1")},
        {"a topic seen before, 10,000 patterns, 1 handler, against publishing by type", bound::at_most, 2.0, "x",
         all.ratio("topics/seen/1", "topics/typed/1")},
        {"the same, 10 handlers", bound::at_most, 2.0, "x", all.ratio("topics/seen/10", "topics/typed/10")},
        {"the same, 64 handlers", bound::at_most, 2.0, "x", all.ratio("topics/seen/64", "topics/typed/64")},
        {"subscribe and unsubscribe, alone", bound::at_most, 150, "ns", all.nanoseconds("subscribe/quiet/tidings/0"),
         0},
        {"subscribe and unsubscribe, beside 1,000", bound::at_most, 300, "ns",
         all.nanoseconds("subscribe/quiet/tidings/1000"), 0},
        {"subscribe" + growing, bound::at_most, 10, "x", growth(all, "made"), 1},
        {"subscribe, mixed priorities" + growing, bound::at_most, 10, "x", growth(all, "made_with_mixed_priorities"),
         1},
        {"unsubscribe in order" + growing, bound::at_most, 10, "x", growth(all, "ended_in_order"), 1},
        {"unsubscribe in reverse" + growing, bound::at_most, 10, "x", growth(all, "ended_in_reverse"), 1},
        {"unsubscribe at random" + growing, bound::at_most, 20, "x", growth(all, "ended_at_random"), 1},
    };
}

}  // namespace report
