// Topics: routing by name, over typed events, and a subscriber of everything.
#include <tidings/tidings.hpp>
#include <tidings/topic/topic.hpp>

#include <iostream>
#include <string>
#include <string_view>

using tidings::topic;

// What an event is called is its topic, unless its publisher gives it another.
struct issue_opened {
    static constexpr std::string_view event_type = "issues.opened";
    std::string title;
};
struct issue_closed {
    static constexpr std::string_view event_type = "issues.closed";
    std::string title;
};
struct check_finished {
    static constexpr std::string_view event_type = "check_run.completed";
    std::string name;
    bool passed = false;
};

int main() {
    tidings::bus bus;

    // '*' is one word, '#' zero or more. A handler of any_event gets whatever fits.
    auto issues = bus.subscribe(topic{"issues.*"},
                                [](const tidings::any_event& e) { std::cout << "  issues: " << e.type() << '\n'; });
    auto completed = bus.subscribe(topic{"#.completed"}, [](const tidings::any_event& e) {
        if (const auto* check = e.get_if<check_finished>())
            std::cout << "  completed: " << check->name << (check->passed ? " passed\n" : " failed\n");
    });
    // One that names its event gets that type only, where the topic fits.
    auto urgent =
        bus.subscribe(topic{"#.urgent"}, [](const issue_opened& e) { std::cout << "  urgent: " << e.title << '\n'; });
    auto audit = bus.subscribe("audit", topic{"#"},
                               [](const tidings::any_event& e) { std::cout << "  audit: " << e.topic() << '\n'; });

    std::cout << "an issue\n";
    bus.publish(issue_opened{"it leaks"});
    std::cout << "an urgent one\n";
    bus.publish(issue_opened{"it burns"}, {.topic = "issues.opened.urgent"});
    std::cout << "a check\n";
    bus.publish(check_finished{"tests", true});
    issues.reset();
    std::cout << "an issue, and nobody at the desk\n";
    bus.publish(issue_closed{"it leaks"});

    std::cout << "what is no topic\n";
    try {
        bus.publish(issue_closed{"it burns"}, {.topic = "issues..closed"});
    } catch (const tidings::error& e) {
        std::cout << "  " << e.what() << '\n';
    }
}
