// No lock of the library is held while user code runs. The library is compiled with locks that know who holds them, and
// every entry into user code asserts that its thread holds none.
#include "support/lock_audit.hpp"

#include "support/catch.hpp"

#include <tidings/tidings.hpp>
#include <tidings/topic/topic.hpp>

#include <atomic>
#include <exception>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

std::atomic<int> entries{0};
std::atomic<int> entries_under_a_lock{0};

void enter_user_code() noexcept {
    ++entries;
    if (support::locks_held != 0) ++entries_under_a_lock;
}

struct tick {};

/// User code wherever an object can have any.
struct witness {
    witness() noexcept { enter_user_code(); }
    witness(const witness&) noexcept { enter_user_code(); }
    witness(witness&&) noexcept { enter_user_code(); }
    witness& operator=(const witness&) = delete;
    ~witness() { enter_user_code(); }
};

struct failure : std::exception {
    witness inside;
    const char* what() const noexcept override {
        enter_user_code();
        return "failure";
    }
};

struct listener {
    void on_tick(const tick&) { enter_user_code(); }
};

auto handler(bool fails) {
    return [fails, w = witness{}](const tick&) {
        enter_user_code();
        if (fails) throw failure{};
    };
}

auto filter() {
    return tidings::sync.filter([w = witness{}](const tick&) {
        enter_user_code();
        return true;
    });
}

tidings::bus_options options() {
    return {.on_error = [w = witness{}](const tidings::handler_error& e) {
        enter_user_code();
        static_cast<void>(e.what());
    }};
}

void use_everything() {
    tidings::bus bus{options()};
    std::vector<tidings::subscription> all;
    for (int n = 0; n < 20; ++n) all.push_back(bus.subscribe(handler(n % 5 == 0), filter().priority(n % 3)));
    auto weak = std::shared_ptr<listener>{new listener, [](listener* l) {
                                              enter_user_code();
                                              delete l;
                                          }};
    all.push_back(bus.subscribe(&listener::on_tick, std::weak_ptr{weak}));
    tidings::subscription self;
    self = bus.subscribe([&, w = witness{}](const tick&) {
        self.reset();
        auto passing = bus.subscribe(handler(false));
    });
    bus.publish(tick{});
    weak.reset();
    std::thread other{[&] {
        for (int n = 0; n < 50; ++n) bus.publish(tick{});
    }};
    for (std::size_t n = 0; n < all.size(); n += 2) all[n].reset();
    for (int n = 0; n < 50; ++n) bus.publish(tick{});
    other.join();
}

}  // namespace

TEST_CASE("a lock that is held at an entry is seen") {
    entries_under_a_lock = 0;
    tidings::base::mutex m;
    m.lock();
    enter_user_code();
    m.unlock();
    CHECK(entries_under_a_lock == 1);
    entries_under_a_lock = 0;
}

TEST_CASE("no lock is held at any entry into user code") {
    entries = 0;
    const std::uint64_t before = support::locks_taken.load();
    for (int round = 0; round < 20; ++round) use_everything();
    CHECK(entries > 10'000);
    CHECK(support::locks_taken.load() > before + 1'000);  // or there was nothing to audit
    CHECK(entries_under_a_lock == 0);
}

TEST_CASE("no lock is held where events go by topic") {
    entries = 0;
    const std::uint64_t before = support::locks_taken.load();
    for (int round = 0; round < 20; ++round) {
        tidings::bus bus{options()};
        std::vector<tidings::subscription> all;
        for (int n = 0; n < 20; ++n)
            all.push_back(bus.subscribe(tidings::topic{"a." + std::to_string(n % 4)}, handler(n % 5 == 0), filter()));
        all.push_back(bus.subscribe(tidings::topic{"#"}, [w = witness{}](const tidings::any_event& e) {
            enter_user_code();
            static_cast<void>(e.get_if<tick>());
        }));
        const auto publish = [&] {
            for (int n = 0; n < 50; ++n) bus.publish(tick{}, {.topic = "a." + std::to_string(n % 5)});
        };
        std::thread other{publish};
        for (std::size_t n = 0; n < all.size(); n += 2) {
            all[n].reset();
            all[n] = bus.subscribe(tidings::topic{"*.1"}, handler(false));
        }
        publish();
        other.join();
    }
    CHECK(entries > 10'000);
    CHECK(support::locks_taken.load() > before + 1'000);
    CHECK(entries_under_a_lock == 0);
}

TEST_CASE("no lock is held where handlers wait for each other, or destroy the bus") {
    entries = 0;
    for (int round = 0; round < 50; ++round) {
        auto bus = std::make_unique<tidings::bus>(options());
        std::atomic<int> entered{0};
        tidings::subscription one;
        tidings::subscription two;
        struct first {};
        struct second {};
        const auto crossing = [&entered](tidings::subscription& other) {
            return [&entered, &other, w = witness{}](const auto&) {
                enter_user_code();
                ++entered;
                while (entered.load() < 2) std::this_thread::yield();
                other.reset();
            };
        };
        one = bus->subscribe<first>(crossing(two));
        two = bus->subscribe<second>(crossing(one));
        auto destroys = bus->subscribe([&, w = witness{}](const tick&) { bus.reset(); });
        std::thread other{[&] { bus->publish(first{}); }};
        bus->publish(second{});
        other.join();
        bus->publish(tick{});
    }
    CHECK(entries > 500);
    CHECK(entries_under_a_lock == 0);
}
