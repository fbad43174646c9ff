// Random programs with queues on the thread of a loop, beside a model that says after each step what stats() has to be.
#include "support/catch.hpp"
#include "support/seed.hpp"

#include <tidings/tidings.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <random>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using stats = tidings::subscription_stats;

/// Goes on when the program says so.
class still_clock final : public tidings::detail::clock_port {
public:
    std::chrono::steady_clock::time_point now() const noexcept override { return now_; }
    std::chrono::system_clock::time_point system_now() const noexcept override { return {}; }
    void call_at(tidings::detail::alarm&, std::chrono::steady_clock::time_point) override { std::abort(); }
    bool cancel(tidings::detail::alarm&) noexcept override { return false; }
    void go_on(std::chrono::nanoseconds by) noexcept { now_ += by; }

private:
    std::chrono::steady_clock::time_point now_{1h};
};

struct message {
    std::uint64_t id = 0;
    std::uint64_t key = 0;
    std::uint64_t whim = 0;  // of those who see it
    unsigned causes = 0;     // how deep the cascade goes that it starts
};
struct question : message {};
struct answer : message {};

class program;

/// A subscription, and what is to be said of it.
class follower {
public:
    template <class E>
    static std::unique_ptr<follower> subscribe(program& in, tidings::bus& bus, std::uint64_t choice) {
        std::unique_ptr<follower> made{new follower{in, choice}};
        const auto handler = [self = made.get()](const E& e) { self->handle(e); };
        const auto filter = [self = made.get()](const E& e) { return self->let_pass(e); };
        const auto how = tidings::async.capacity(made->capacity_).when_full(made->policy_).filter(filter);
        if (made->keyed_) made->taken_ = bus.subscribe(handler, how.ordered_by(&message::key));
        else made->taken_ = bus.subscribe(handler, how.concurrency(1 + choice / 64 % 2));
        return made;
    }

    void reset() {
        end();
        taken_.reset();
    }
    void end() {
        active_ = false;
        discard();
    }
    void discard() { expected_.discarded += std::exchange(waiting_, {}).size(); }
    void close() { closed_ = true; }
    bool active() const { return active_; }

    /// What the push that let_pass() has announced comes to.
    void settle(const message& e);

    stats expected() const {
        stats now = expected_;
        now.queued = waiting_.size();
        return now;
    }
    stats actual() const { return taken_.stats(); }

private:
    struct entry {
        std::uint64_t id;
        std::uint64_t key;
        std::chrono::steady_clock::time_point since;
    };

    follower(program& in, std::uint64_t choice)
        : in_{in},
          capacity_{1 + choice / 8 % 4 * (choice / 8 % 4)},
          policy_{static_cast<tidings::overflow>(choice % 4)},
          keyed_{choice / 4 % 2 != 0} {}

    bool let_pass(const message& e);
    void handle(const message& e);
    template <class E>
    void publish_more(const message& cause);

    program& in_;
    const std::size_t capacity_;
    const tidings::overflow policy_;
    const bool keyed_;
    bool active_ = true;
    bool closed_ = false;
    stats expected_;
    std::deque<entry> waiting_;
    tidings::subscription taken_;  // last: it ends first
};

class program {
public:
    program(std::uint64_t seed, unsigned steps) : random{seed} {
        for (int n = 0; n != 4; ++n) subscribe();
        for (unsigned step = 0; step != steps && wrong.empty(); ++step) {
            take_a_step();
            compare();
        }
        if (wrong.empty()) end();
        compare();
    }
    program(const program&) = delete;
    program& operator=(const program&) = delete;

    /// Between the filter of a subscription and that of the next, its queue takes the event.
    struct publishing {
        publishing* outer;
        std::chrono::steady_clock::time_point since;
        follower* pending = nullptr;
        tidings::publish_result expected{};
    };

    template <class E>
    void publish(unsigned causes) {
        E e;
        e.id = ++last_id_;
        e.key = random() % 3;
        e.whim = random();
        e.causes = causes;
        publishing mine{now_publishing, clock->now()};
        now_publishing = &mine;
        const auto result = bus->publish(e);
        if (mine.pending != nullptr) mine.pending->settle(e);
        now_publishing = mine.outer;
        if (result != mine.expected) complain("publish() counts otherwise");
    }

    void complain(const std::string& what) {
        if (wrong.empty()) wrong = what;
    }

    std::mt19937_64 random;
    std::string wrong;
    publishing* now_publishing = nullptr;
    unsigned handlers = 0;  // that run, one inside the other
    std::uint64_t told = 0;
    std::uint64_t told_expected = 0;
    const std::shared_ptr<still_clock> clock = std::make_shared<still_clock>();
    std::optional<tidings::manual_executor> loop{std::in_place};
    std::optional<tidings::bus> bus{
        std::in_place, tidings::bus_options{.executor = *loop,
                                            .clock = tidings::clock_ref{clock},
                                            .on_error = [this](const tidings::handler_error&) { ++told; }}};
    std::vector<std::unique_ptr<follower>> all;

private:
    void subscribe() {
        const std::uint64_t choice = random();
        all.push_back(choice / 128 % 2 == 0 ? follower::subscribe<question>(*this, *bus, choice)
                                            : follower::subscribe<answer>(*this, *bus, choice));
    }

    void take_a_step() {
        const std::uint64_t choice = random() % 100;
        if (choice < 45) publish<question>(static_cast<unsigned>(random() % 3));
        else if (choice < 60) publish<answer>(0);
        else if (choice < 80) loop->run_one();
        else if (choice < 83) loop->run();
        else if (choice < 84) bus->drain();
        else if (choice < 94) clock->go_on(std::chrono::nanoseconds{random() % 1'000});
        else if (choice < 97 && all.size() < 40) subscribe();
        else if (choice < 99) all[random() % all.size()]->reset();
        else if (random() % 4 == 0) close();
    }

    void close() {
        bus->close();
        for (auto& each : all) each->close();
    }

    void end() {
        switch (random() % 3) {
            case 0:
                bus->drain();
                break;
            case 1:
                loop.reset();
                for (auto& each : all) each->discard();
                compare();
                for (int n = 0; n != 5; ++n) publish<question>(0);
                break;
            default:
                bus.reset();
                for (auto& each : all) each->end();
                break;
        }
    }

    void compare() {
        stats sum;
        for (std::size_t n = 0; n != all.size(); ++n) {
            const stats expected = all[n]->expected();
            const stats actual = all[n]->actual();
            if (actual != expected)
                complain("subscription " + std::to_string(n) + " has " + text(actual) + ", not " + text(expected));
            sum.delivered += expected.delivered;
            sum.failed += expected.failed;
            sum.dropped += expected.dropped;
            sum.discarded += expected.discarded;
            sum.queued += expected.queued;
            sum.rejected += expected.rejected;
            sum.high_water = std::max(sum.high_water, expected.high_water);
            sum.longest_wait = std::max(sum.longest_wait, expected.longest_wait);
        }
        if (bus && bus->stats() != sum) complain("the bus has " + text(bus->stats()) + ", not " + text(sum));
        if (told != told_expected) complain("on_error was not told of all, or of more");
    }

    static std::string text(const stats& s) {
        std::ostringstream out;
        out << "delivered " << s.delivered << " failed " << s.failed << " dropped " << s.dropped << " discarded "
            << s.discarded << " queued " << s.queued << " rejected " << s.rejected << " high water " << s.high_water
            << " longest wait " << s.longest_wait.count();
        return out.str();
    }

    std::uint64_t last_id_ = 0;
};

bool follower::let_pass(const message& e) {
    program::publishing& under_way = *in_.now_publishing;
    if (follower* const before = std::exchange(under_way.pending, nullptr)) before->settle(e);
    const std::uint64_t whim = e.whim / 3 % 16;
    if (whim == 0) return false;
    if (whim == 1) {
        ++expected_.rejected;
        ++under_way.expected.rejected;
        ++in_.told_expected;
        throw std::runtime_error{"filter"};
    }
    under_way.pending = this;
    return true;
}

void follower::settle(const message& e) {
    using tidings::overflow;
    const auto reject = [&] {
        ++expected_.rejected;
        ++in_.now_publishing->expected.rejected;
    };
    const bool full = waiting_.size() >= capacity_;
    if (closed_ || !active_) return reject();
    if (full && policy_ == overflow::reject) return reject();
    if (full && policy_ == overflow::block) {
        if (in_.handlers == 0) in_.complain("a publisher that was to wait did not");
        ++in_.told_expected;  // it would have waited for itself
        return reject();
    }
    ++in_.now_publishing->expected.queued;
    if (full && policy_ == overflow::drop_newest) {
        ++expected_.dropped;
        return;
    }
    if (full) {
        ++expected_.dropped;
        waiting_.pop_front();
    }
    waiting_.push_back({e.id, e.key, in_.now_publishing->since});
    expected_.high_water = std::max<std::uint64_t>(expected_.high_water, waiting_.size());
    if (!in_.loop) discard();
}

template <class E>
void follower::publish_more(const message& cause) {
    for (std::uint64_t n = cause.whim / 7 % 3; n != 0; --n) in_.publish<E>(cause.causes - 1);
}

void follower::handle(const message& e) {
    const auto own =
        std::find_if(waiting_.begin(), waiting_.end(), [&](const entry& each) { return !keyed_ || each.key == e.key; });
    if (!active_ || own == waiting_.end() || own->id != e.id)
        return in_.complain("an event out of nowhere, or of turn");
    expected_.longest_wait = std::max<std::chrono::nanoseconds>(expected_.longest_wait, in_.clock->now() - own->since);
    waiting_.erase(own);
    ++in_.handlers;
    if (e.whim / 7 % 4 == 0)
        in_.clock->go_on(std::chrono::nanoseconds{e.whim % 500});  // what waits behind it waits longer
    if (e.causes != 0) {
        if (e.whim % 2 == 0) publish_more<answer>(e);
        else publish_more<question>(e);
    }
    if (e.whim / 11 % 64 == 0) reset();
    else if (e.whim / 11 % 64 == 1) in_.all[e.whim / 1'000 % in_.all.size()]->reset();
    --in_.handlers;
    if (e.whim / 5 % 8 == 0) {
        ++expected_.failed;
        ++in_.told_expected;
        throw std::runtime_error{"handler"};
    }
    ++expected_.delivered;
}

#if defined(__OPTIMIZE__) && !TIDINGS_HAS_TSAN && !TIDINGS_HAS_ASAN
constexpr int programs = 4'000;
#else
constexpr int programs = 300;
#endif

}  // namespace

TEST_CASE("every event is in the account that a model says, after each step of random programs") {
    const std::uint64_t seed = support::fresh_seed("accounts");
    std::mt19937_64 random{seed};
    stats sum;
    for (int n = 0; n != programs; ++n) {
        const std::uint64_t own = random();
        const program one{own, 300};
        INFO("program " << n << ", of the seed " << own);
        REQUIRE(one.wrong == "");
        for (const auto& each : one.all) {
            const stats expected = each->expected();
            sum.delivered += expected.delivered;
            sum.failed += expected.failed;
            sum.dropped += expected.dropped;
            sum.discarded += expected.discarded;
            sum.rejected += expected.rejected;
        }
    }
    CHECK((sum.delivered > 0 && sum.failed > 0 && sum.dropped > 0 && sum.discarded > 0 && sum.rejected > 0));
}
