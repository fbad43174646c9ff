#include "support/captures.hpp"
#include "support/catch.hpp"
#include "support/seed.hpp"
#include "support/waiting.hpp"

#include <tidings/core/bus.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <any>
#include <array>
#include <climits>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using tidings::reset_result;

namespace {

struct tick {
    int n = 0;
};
struct tock {};

int heard_by_function = 0;
void listen_as_function(const tick& t) { heard_by_function += t.n; }

struct overloaded {
    int* ticks;
    int* tocks;
    void operator()(const tick&) const { ++*ticks; }
    void operator()(const tock&) const { ++*tocks; }
};

struct alignas(64) wide {
    char bytes[64] = {};
};

}  // namespace

TEST_CASE("callables of every kind are handlers") {
    tidings::bus bus;
    int calls = 0;
    auto lambda = bus.subscribe([&](const tick&) { ++calls; });
    auto unfailing = bus.subscribe([&](const tick&) noexcept { ++calls; });
    auto changing = bus.subscribe([&, own = 0](const tick&) mutable { calls += ++own; });
    auto by_value = bus.subscribe([&](tick t) { calls += t.n; });
    auto generic = bus.subscribe<tick>([&](const auto&) { ++calls; });
    auto with_context = bus.subscribe([&](const tick&, const tidings::context&) { ++calls; });
    auto wrapped = bus.subscribe(std::function<void(const tick&)>{[&](const tick&) { ++calls; }});
    auto function = bus.subscribe(&listen_as_function);
    auto named = bus.subscribe("named", listen_as_function);
    auto move_only = bus.subscribe([&, p = std::make_unique<int>(1)](const tick&) { calls += *p; });
    CHECK(bus.publish(tick{1}).handled == 10);
    CHECK(calls == 8);
    CHECK(heard_by_function == 2);
}

TEST_CASE("a callable for several events is subscribed to the one that is named") {
    tidings::bus bus;
    int ticks = 0;
    int tocks = 0;
    auto taken = bus.subscribe<tock>("overloaded", overloaded{&ticks, &tocks});
    bus.publish(tick{});
    bus.publish(tock{});
    CHECK((ticks == 0 && tocks == 1));
}

TEST_CASE("an over-aligned capture is aligned") {
    tidings::bus bus;
    bool aligned = false;
    auto taken = bus.subscribe(
        [&, w = wide{}](const tick&) { aligned = reinterpret_cast<std::uintptr_t>(&w) % alignof(wide) == 0; });
    bus.publish(tick{});
    CHECK(aligned);
}

TEST_CASE("a newcomer does not see the events under way, and does see a nested one that begins later") {
    tidings::bus bus;
    std::vector<int> seen;
    std::optional<tidings::subscription> newcomer;
    auto first = bus.subscribe([&](const tick& t) {
        if (t.n != 0) return;
        newcomer = bus.subscribe([&](const tick& inner) { seen.push_back(inner.n); });
        bus.publish(tick{1});
    });
    bus.publish(tick{0});
    CHECK(seen == std::vector<int>{1});
    bus.publish(tick{2});
    CHECK(seen == std::vector<int>{1, 2});
}

TEST_CASE("handlers nest a thousand deep, and the slots are used again") {
    tidings::bus bus;
    int deepest = 0;
    int ends = 0;
    auto taken = bus.subscribe([&](const tick& t) {
        deepest = t.n;
        if (t.n < 1'000) bus.publish(tick{t.n + 1});
        ++ends;
    });
    bus.publish(tick{0});
    bus.publish(tick{0});
    CHECK(deepest == 1'000);
    CHECK(ends == 2 * 1'001);
    CHECK(taken.stats().delivered == 2 * 1'001);
}

TEST_CASE("a handler may reset everybody") {
    tidings::bus bus;
    std::vector<tidings::subscription> all;
    int calls = 0;
    for (int n = 0; n < 20; ++n) {
        all.push_back(bus.subscribe([&](const tick&) {
            ++calls;
            for (auto& each : all) each.reset();
        }));
    }
    CHECK(bus.publish(tick{}) == tidings::publish_result{.handled = 1});
    CHECK(bus.publish(tick{}) == tidings::publish_result{});
    CHECK(calls == 1);
}

TEST_CASE("a handler may destroy the bus, and nothing of it is left afterwards") {
    auto bus = std::make_unique<tidings::bus>(
        tidings::bus_options{.on_error = [](const tidings::handler_error& e) { CHECK(std::string{e.what()} == "x"); }});
    support::watched mine;
    support::watched others;
    int calls = 0;
    auto destroys = bus->subscribe([&, held = mine.copy()](const tick&) {
        bus.reset();
        CHECK(mine.exists());
        CHECK_FALSE(others.exists());
        ++calls;
        throw std::runtime_error{"x"};
    });
    auto never = bus->subscribe([&, held = others.copy()](const tick&) { ++calls; });
    CHECK(bus->publish(tick{}) == tidings::publish_result{.handled = 0, .failed = 1});
    CHECK(calls == 1);
    CHECK_FALSE(mine.exists());
    CHECK_FALSE(never.active());
}

TEST_CASE("the captures of a dying handler may destroy the bus") {
    auto bus = std::make_unique<tidings::bus>();
    tidings::subscription self;
    self = bus->subscribe([&, last = support::at_end{[&] { bus.reset(); }}](const tick&) { self.reset(); });
    auto other = bus->subscribe([](const tick&) {});
    bus->publish(tick{});
    CHECK(bus == nullptr);
    CHECK_FALSE(other.active());
}

TEST_CASE("an error handler's captures go with the bus") {
    support::watched captured;
    tidings::subscription survivor;
    {
        tidings::bus bus{{.on_error = [held = captured.copy()](const tidings::handler_error&) {}}};
        survivor = bus.subscribe([](const tick&) {});
        CHECK(captured.exists());
    }
    CHECK_FALSE(captured.exists());
    CHECK_FALSE(survivor.active());
}

TEST_CASE("a handler that outlives its subscription object is impossible, also from inside itself") {
    tidings::bus bus;
    auto self = std::make_unique<tidings::subscription>();
    support::watched captured;
    *self = bus.subscribe([&, held = captured.copy()](const tick&) {
        self.reset();  // destroys the subscription
        CHECK(held != nullptr);
    });
    bus.publish(tick{});
    CHECK_FALSE(captured.exists());
}

TEST_CASE("threads that end and static destructors may publish") {
    tidings::bus bus;
    int calls = 0;
    auto taken = bus.subscribe([&](const tick&) { ++calls; });
    struct publishes_late {
        tidings::bus* to;
        ~publishes_late() { to->publish(tick{}); }
    };
    std::thread{[&] {
        // Made first, so destroyed after whatever the library keeps for this thread.
        thread_local publishes_late late{&bus};
        static_cast<void>(late);
        bus.publish(tick{});
    }}.join();
    CHECK(calls == 2);
    CHECK(taken.stats().delivered == 2);
}

TEST_CASE("an event that anything converts to is no trap: the handler's parameter decides, or the name") {
    tidings::bus bus;
    int sum = 0;
    const auto add = [&](const std::any& a) { sum += std::any_cast<int>(a); };
    auto typed = bus.subscribe(add);
    auto named = bus.subscribe<std::any>(add);
    auto with_name = bus.subscribe<std::any>("any", add);
    auto functions = bus.subscribe([&](const std::function<int()>& f) { sum += f(); });
    CHECK(bus.publish(std::any{2}).handled == 3);
    CHECK(sum == 6);
    CHECK(bus.publish(std::function<int()>{[] { return 10; }}).handled == 1);
    CHECK(sum == 16);
}

TEST_CASE("a handler that can take the context gets it") {
    tidings::bus bus;
    int with_context = 0;
    struct either {
        int* with;
        void operator()(const tick&) const { *with -= 100; }
        void operator()(const tick&, const tidings::context& c) const { *with += c.id() != tidings::event_id{}; }
    };
    auto overloads = bus.subscribe<tick>(either{&with_context});
    auto generic = bus.subscribe<tick>([&](const auto&, const auto& c) { with_context += c.attempt(); });
    auto variadic = bus.subscribe<tick>([&](const auto&... all) { with_context += sizeof...(all) == 2; });
    CHECK(bus.publish(tick{}).handled == 3);
    CHECK(with_context == 3);
}

TEST_CASE("an over-aligned capture is aligned behind a filter too, wherever the block begins") {
    tidings::bus bus;
    std::vector<tidings::subscription> all;
    int aligned = 0;
    const auto is_aligned = [](const auto& w) {
        return reinterpret_cast<std::uintptr_t>(&w) % alignof(decltype(w)) == 0;
    };
    struct alignas(256) wider {
        char bytes[256] = {};
    };
    for (int n = 0; n != 10; ++n) {
        all.push_back(bus.subscribe("some name that is too long to be kept in place",
                                    [&, w = wide{}](const tick&) { aligned += is_aligned(w); }));
        all.push_back(bus.subscribe([&, w = wider{}](const tick&) { aligned += is_aligned(w); },
                                    tidings::sync.filter([&, w = wide{}](const tick&) {
                                        aligned += is_aligned(w);
                                        return true;
                                    })));
    }
    CHECK(bus.publish(tick{}).handled == 20);
    CHECK(aligned == 30);
}

TEST_CASE("a failing move of the handler leaves nothing subscribed") {
    struct moved_twice_fails {
        support::watched* counted;
        std::shared_ptr<int> held;
        int moves = 0;
        moved_twice_fails(support::watched& w) : counted{&w}, held{w.copy()} {}
        moved_twice_fails(moved_twice_fails&& other)
            : counted{other.counted}, held{other.held}, moves{other.moves + 1} {
            if (moves == 2) throw std::runtime_error{"the second move"};
        }
        void operator()(const tick&) const {}
    };
    tidings::bus bus;
    support::watched captured;
    CHECK_THROWS_AS(bus.subscribe(moved_twice_fails{captured}), std::runtime_error);
    CHECK_FALSE(captured.exists());
    CHECK(bus.publish(tick{}) == tidings::publish_result{});
}

TEST_CASE("a handler may reset an earlier one, a later one, and one that an outer publish runs") {
    tidings::bus bus;
    std::string log;
    std::vector<tidings::subscription> all(3);
    std::vector<reset_result> results;
    std::array<support::watched, 3> captured;
    for (std::size_t n = 0; n != 3; ++n) {
        all[n] = bus.subscribe([&, n, held = captured.at(n).copy()](const tick& t) {
            log += static_cast<char>('a' + n);
            if (t.n == 0 && n == 1) {
                bus.publish(tick{1});
                // b itself and, for nobody runs it any more, c are done with.
                CHECK(captured[1].exists());
                CHECK_FALSE(captured[2].exists());
            }
            if (t.n == 1 && n == 0)
                for (const std::size_t victim : {1U, 2U}) results.push_back(all[victim].reset());
        });
    }
    CHECK(bus.publish(tick{0}).handled == 2);
    CHECK(log == "aba");
    CHECK(results == std::vector{reset_result::running_here, reset_result::ended});
    CHECK(captured[0].exists());
    CHECK_FALSE(captured[1].exists());
    CHECK(bus.publish(tick{2}).handled == 1);
}

TEST_CASE("captures may reset another handler as they die, and that one's captures a third") {
    tidings::bus bus;
    std::vector<tidings::subscription> chain(5);
    std::string ends;
    for (std::size_t n = 0; n != chain.size(); ++n) {
        chain[n] = bus.subscribe([last = support::at_end{[&, n] {
                                      ends += static_cast<char>('0' + n);
                                      if (n + 1 != chain.size()) CHECK(chain[n + 1].reset() == reset_result::ended);
                                      ends += static_cast<char>('0' + n);
                                  }}](const tick&) {});
    }
    CHECK(chain[0].reset() == reset_result::ended);
    CHECK(ends == "0123443210");
    CHECK(bus.publish(tick{}) == tidings::publish_result{});
}

TEST_CASE("many handlers of one type, with others among them, are called in order; some fail, end or subscribe") {
    // Enough of them that the table is walked in runs.
    tidings::bus bus{{.on_error = [](const tidings::handler_error&) {}}};
    std::vector<int> heard;
    std::vector<tidings::subscription> subscriptions;
    tidings::subscription late;
    int destroyed = -1;
    const auto add = [&](int n) {
        subscriptions.push_back(bus.subscribe([&, n](const tick& t) {
            heard.push_back(n);
            if (t.n == 1 && n % 3 == 0) throw std::runtime_error{"every third"};
            if (t.n == destroyed && n == 4) {
                subscriptions[4].reset();   // itself
                subscriptions[2].reset();   // an earlier one
                subscriptions[5].reset();   // the next one
                subscriptions[11].reset();  // a later one, of another type
            }
            if (t.n == 3 && n == 7) late = bus.subscribe([&](const tick&) { heard.push_back(99); });
            if (t.n == 4 && n == 1) bus.publish(tick{5});
        }));
    };
    for (int n = 0; n < 10; ++n) add(n);
    subscriptions.push_back(bus.subscribe([&](const tick&) noexcept { heard.push_back(10); }));
    subscriptions.push_back(bus.subscribe([&](const tick&) { heard.push_back(11); }));
    for (int n = 12; n < 20; ++n) add(n);
    const auto all = [] {
        std::vector<int> numbers(20);
        for (int n = 0; n < 20; ++n) numbers[static_cast<std::size_t>(n)] = n;
        return numbers;
    }();
    const auto publish = [&](int n) {
        heard.clear();
        return bus.publish(tick{n});
    };

    CHECK(publish(0).handled == 20);
    CHECK(heard == all);

    const tidings::publish_result some_fail = publish(1);
    CHECK(heard == all);
    CHECK(some_fail == tidings::publish_result{.handled = 13, .failed = 7});

    destroyed = 2;
    const tidings::publish_result some_end = publish(2);
    std::vector<int> left = all;
    left.erase(left.begin() + 11);
    left.erase(left.begin() + 5);
    CHECK(heard == left);
    CHECK(some_end.handled == 18);
    left.erase(left.begin() + 4);
    left.erase(left.begin() + 2);

    CHECK(publish(3).handled == 16);
    CHECK(heard == left);  // the newcomer does not see it
    left.push_back(99);
    CHECK(publish(0).handled == 17);
    CHECK(heard == left);

    std::vector<int> nested{0, 1};
    nested.insert(nested.end(), left.begin(), left.end());
    nested.insert(nested.end(), left.begin() + 2, left.end());
    CHECK(publish(4).handled == 17);
    CHECK(heard == nested);

    CHECK(subscriptions[0].stats().delivered == 6);
    CHECK(subscriptions[0].stats().failed == 1);
    CHECK(subscriptions[4].stats().delivered == 3);
    CHECK(subscriptions[5].stats().delivered == 2);
    CHECK(subscriptions[11].stats().delivered == 2);
}

TEST_CASE("captures that die between two handlers may reset the next one, which nobody runs yet") {
    tidings::bus bus;
    tidings::subscription self;
    tidings::subscription next;
    support::watched captured;
    auto result = reset_result::would_deadlock;
    bool captured_at_return = true;
    self = bus.subscribe([&, last = support::at_end{[&] {
                                 result = next.reset();
                                 captured_at_return = captured.exists();
                             }}](const tick&) { self.reset(); });
    next = bus.subscribe([held = captured.copy()](const tick&) {});
    CHECK(bus.publish(tick{}).handled == 1);
    CHECK(result == reset_result::ended);
    CHECK_FALSE(captured_at_return);
    CHECK_FALSE(captured.exists());
}

TEST_CASE("captures that hold their own subscription are told that they end here") {
    tidings::bus bus;
    auto own = std::make_shared<tidings::subscription>();
    const std::weak_ptr<tidings::subscription> watch = own;
    auto inside = reset_result::ended;
    tidings::subscription& there = *own;
    there = bus.subscribe([last = support::at_end{[&, own] { inside = own->reset(); }}](const tick&) {});
    own.reset();
    CHECK(bus.publish(tick{}).handled == 1);
    SECTION("by reset()") { CHECK(there.reset() == reset_result::ended); }
    SECTION("by a publish of a handler that ends it") {
        auto ends = bus.subscribe([&](const tick&) { there.reset(); }, tidings::sync.priority(1));
        CHECK(bus.publish(tick{}).handled == 1);
    }
    CHECK(inside == reset_result::running_here);
    CHECK(watch.expired());
}

TEST_CASE("a closed bus subscribes nobody and reaches nobody, for captures and for handlers that still run") {
    auto bus = std::make_unique<tidings::bus>();
    tidings::bus& raw = *bus;
    support::watched late;
    tidings::subscription from_captures;
    tidings::subscription from_handler;
    std::uint32_t handled = 1;
    support::flag entered;
    support::flag done;
    auto dies = raw.subscribe([last = support::at_end{[&] {
                                   handled += raw.publish(tick{}).handled;
                                   from_captures = raw.subscribe([held = late.copy()](const tick&) {});
                               }}](const tick&) {});
    auto runs = raw.subscribe([&](const tock&) {
        entered.raise();
        support::stay_until_waited_for(1, [&] { return done.raised(); });
        handled += raw.publish(tick{}).handled;
        from_handler = raw.subscribe([](const tick&) {});
    });
    std::thread publishing{[&] { raw.publish(tock{}); }};
    entered.wait();
    bus.reset();
    done.raise();
    publishing.join();
    CHECK(handled == 1);
    CHECK_FALSE(from_captures.active());
    CHECK_FALSE(from_handler.active());
    CHECK_FALSE(late.exists());
    CHECK(from_handler.reset() == reset_result::ended);
}

TEST_CASE("an error handler outlives the bus where a handler still runs, and goes before the second next bus") {
    support::watched captured;
    {
        auto bus = std::make_unique<tidings::bus>(
            tidings::bus_options{.on_error = [held = captured.copy()](const tidings::handler_error&) {}});
        auto destroys = bus->subscribe([&](const tick&) {
            bus.reset();
            CHECK(captured.exists());
            throw 1;
        });
        bus->publish(tick{});
    }
    { const tidings::bus sweeps; }
    CHECK_FALSE(captured.exists());
}

TEST_CASE("buses nest, and are destroyed in any order inside each other's handlers") {
    auto outer = std::make_unique<tidings::bus>();
    auto inner = std::make_unique<tidings::bus>();
    support::watched captured[3];
    auto a = outer->subscribe([&, held = captured[0].copy()](const tick&) { inner->publish(tick{}); });
    auto b = inner->subscribe([&, held = captured[1].copy()](const tick&) {
        outer.reset();
        CHECK(captured[0].exists());
        CHECK_FALSE(captured[2].exists());
        inner.reset();
        CHECK(captured[1].exists());
    });
    auto c = outer->subscribe([held = captured[2].copy()](const tick&) {});
    CHECK(outer->publish(tick{}).handled == 1);
    for (const auto& each : captured) CHECK_FALSE(each.exists());
}

/// Runs `body` in a child process and returns its exit code.
template <class Body>
int exit_code_of(Body body) {
    std::fflush(stdout);
    const pid_t child = ::fork();
    if (child == 0) {
        body();
        ::_exit(100);  // the body exits
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + status;
}

TEST_CASE("a program may exit inside a handler, and its static buses and subscriptions end then") {
    const int code = exit_code_of([] {
        static tidings::bus bus;
        static tidings::subscription self;
        static tidings::subscription other;
        static int calls = 0;
        self = bus.subscribe([](const tick&) {
            ++calls;
            std::exit(calls == 1 ? 0 : 1);  // NOLINT(concurrency-mt-unsafe)
        });
        other = bus.subscribe([](const tick&) {});
        bus.publish(tick{});
    });
    CHECK(code == 0);
}

TEST_CASE("a bus and its subscriptions may be static, in either order, and be used until the end") {
    const int code = exit_code_of([] {
        struct late {
            ~late() {
                if (calls != 2) ::_exit(1);
            }
            int calls = 0;
        };
        static late checks;
        static tidings::subscription before;
        static tidings::bus bus;
        static tidings::subscription after;
        struct publishes_at_exit {
            ~publishes_at_exit() { bus.publish(tick{}); }
        };
        static publishes_at_exit publishes;
        before = bus.subscribe([](const tick&) { ++checks.calls; });
        after = bus.subscribe([](const tick&) { ++checks.calls; });
        static_cast<void>(publishes);
        std::exit(0);  // NOLINT(concurrency-mt-unsafe)
    });
    CHECK(code == 0);
}

namespace {

/// A random program on one thread, and a model of the bus beside it that is too simple to be wrong: a publish takes
/// a copy of the list of active handlers, calls each that is still active when its turn comes, and a handler's
/// captures die when it is inactive and no call of it is on the stack.
class random_program {
public:
    explicit random_program(std::uint64_t seed) : random_{seed} {}
    ~random_program() {
        for (auto& each : handlers_) each->taken.reset();
    }

    /// Returns what was wrong, if anything.
    std::string run() {
        while (steps_ < 300 && wrong_.empty()) act();
        bus_.reset();
        for (auto& each : handlers_) {
            expect(each->dead, "captures outlive the bus");
            expect(each->taken.stats() ==
                       tidings::subscription_stats{.delivered = each->calls - each->throws, .failed = each->throws},
                   "stats");
        }
        return wrong_;
    }

private:
    template <int Type>
    struct event {};

    struct handler {
        int number;
        int type;
        int priority;
        bool active = true;
        bool dying = false;
        bool dead = false;
        int running = 0;  // calls on the stack
        std::uint64_t calls = 0;
        std::uint64_t throws = 0;
        tidings::subscription taken;
    };

    struct frame {
        std::vector<handler*> listed;
        std::size_t next = 0;
        std::uint32_t handled = 0;
        std::uint32_t failed = 0;
        tidings::event_id id;
    };

    bool chance(unsigned one_in) { return random_() % one_in == 0; }
    void expect(bool holds, const char* what) {
        if (!holds && wrong_.empty()) wrong_ = what;
    }

    void act() {
        ++steps_;
        if (bus_ == nullptr) return;
        switch (random_() % 5) {
            case 0:
                return subscribe();
            case 1:
            case 2:
                return reset_any();
            default:
                if (frames_.size() < 5) publish();
        }
    }

    template <int Type>
    auto caller(handler& h, support::at_end last) {
        return [this, &h, last = std::move(last)](const event<Type>&, const tidings::context& c) { called(h, c); };
    }

    void subscribe() {
        static constexpr int priorities[] = {INT_MIN, -1, 0, 0, 0, 1, INT_MAX};
        handler& added =
            *handlers_.emplace_back(std::make_unique<handler>(handler{.number = static_cast<int>(handlers_.size()),
                                                                      .type = static_cast<int>(random_() % 2),
                                                                      .priority = priorities[random_() % 7],
                                                                      .taken = {}}));
        support::at_end last{[this, &added] { end(added); }};
        const auto how = tidings::sync.priority(added.priority);
        if (added.type == 0) added.taken = bus_->subscribe(caller<0>(added, std::move(last)), how);
        else added.taken = bus_->subscribe(caller<1>(added, std::move(last)), how);
        const auto place = std::find_if(active_.begin(), active_.end(),
                                        [&](const handler* h) { return h->priority < added.priority; });
        active_.insert(place, &added);
    }

    void reset_any() {
        if (handlers_.empty()) return;
        handler& h = *handlers_[random_() % handlers_.size()];
        const auto expected =
            !h.dead && (h.running != 0 || h.dying) ? tidings::reset_result::running_here : tidings::reset_result::ended;
        h.active = false;
        std::erase(active_, &h);
        expect(h.taken.reset() == expected, "the result of reset()");
        expect(!h.taken.active(), "active after reset()");
        expect(h.dead == (expected == tidings::reset_result::ended), "captures after reset()");
    }

    void publish() {
        const int type = static_cast<int>(random_() % 2);
        frame& mine = *frames_.emplace_back(std::make_unique<frame>());
        std::copy_if(active_.begin(), active_.end(), std::back_inserter(mine.listed),
                     [&](const handler* h) { return h->type == type; });
        const tidings::publish_result result = type == 0 ? bus_->publish(event<0>{}) : bus_->publish(event<1>{});
        check_the_dead();
        skip_inactive(mine);
        expect(mine.next == mine.listed.size(), "a handler was left out");
        expect(result == tidings::publish_result{.handled = mine.handled, .failed = mine.failed},
               "the result of publish()");
        frames_.pop_back();
    }

    static void skip_inactive(frame& f) {
        while (f.next != f.listed.size() && !f.listed[f.next]->active) ++f.next;
    }

    void check_the_dead() {
        for (auto& each : handlers_)
            expect(each->dead || each->dying || each->active || each->running != 0, "captures live on");
    }

    void called(handler& h, const tidings::context& c) {
        check_the_dead();
        frame& mine = *frames_.back();
        skip_inactive(mine);
        expect(mine.next != mine.listed.size() && mine.listed[mine.next] == &h, "another handler's turn");
        ++mine.next;
        expect(h.active, "called after reset()");
        expect(!h.dying && !h.dead, "called without its captures");
        ++h.running;
        ++h.calls;
        if (chance(3)) look(c);
        for (auto n = random_() % 3; n != 0 && steps_ < 300; --n) act();
        if (chance(3)) look(c);
        expect(!h.dying && !h.dead, "captures died under a running handler");
        --h.running;
        if (chance(5)) {
            ++h.throws;
            ++mine.failed;
            throw 1;
        }
        ++mine.handled;
    }

    /// The ids of all frames on the stack, as the innermost one's context tells them.
    void look(const tidings::context& c) {
        frame& mine = *frames_.back();
        const bool nested = frames_.size() > 1;
        const auto same = [&](frame& f, const tidings::event_id& id) {
            expect(id != tidings::event_id{}, "no id");
            expect(f.id == tidings::event_id{} || f.id == id, "another id than before");
            f.id = id;
        };
        same(mine, c.id());
        if (nested) same(*frames_[frames_.size() - 2], c.causation_id());
        else expect(c.causation_id() == tidings::event_id{}, "a root with a cause");
        same(*frames_.front(), c.correlation_id());
        for (std::size_t n = 1; n < frames_.size(); ++n) {
            if (frames_[n]->id == tidings::event_id{} || frames_[n - 1]->id == tidings::event_id{}) continue;
            expect(frames_[n - 1]->id < frames_[n]->id, "a cause's id is larger than its effect's");
        }
    }

    void end(handler& h) {
        expect(!h.active || bus_ == nullptr, "captures of an active handler die");
        expect(h.running == 0, "captures die under a running handler");
        expect(!h.dying && !h.dead, "captures die twice");
        h.active = false;
        h.dying = true;
        if (chance(4) && steps_ < 300) act();
        h.dying = false;
        h.dead = true;
    }

    std::mt19937_64 random_;
    std::string wrong_;
    int steps_ = 0;
    std::vector<std::unique_ptr<frame>> frames_;
    std::vector<std::unique_ptr<handler>> handlers_;
    std::vector<handler*> active_;  // in the order of calling
    std::unique_ptr<tidings::bus> bus_ =
        std::make_unique<tidings::bus>(tidings::bus_options{.on_error = [](const tidings::handler_error&) {}});
};

}  // namespace

TEST_CASE("random programs behave as a simple model says") {
    const std::uint64_t seed = support::fresh_seed("random programs");
    for (std::uint64_t n = 0; n != 1'000; ++n) {
        CAPTURE(seed, n);
        REQUIRE(random_program{seed + n}.run() == "");
    }
}
